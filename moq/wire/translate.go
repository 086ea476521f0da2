package wire

// translation is how one draft numbers the codes of one kind. The zero value
// numbers them as the constants of this package do.
type translation[C ~uint64] struct {
	numbers map[C]uint64 // of the codes that are numbered otherwise, or lacking
	codes   map[uint64]C // of the numbers that mean something else here
}

// renumbered is a code with a number of its own, lacking a code that the draft
// does not have, with the one that comes nearest. A number that only a later
// draft gave a meaning is read as none, an unknown code.
type (
	renumbered[C ~uint64] struct {
		code   C
		number uint64
	}
	lacking[C ~uint64] struct{ code, nearest C }
)

// translate makes a translation. none is the code of numbers without a meaning
// that one of our constants has in another draft.
func translate[C ~uint64](none C, others []renumbered[C], missing []lacking[C]) translation[C] {
	t := translation[C]{numbers: map[C]uint64{}, codes: map[uint64]C{}}
	for _, l := range missing {
		t.codes[uint64(l.code)] = none
	}
	for _, r := range others {
		t.codes[uint64(r.code)] = none
	}
	for _, r := range others {
		t.numbers[r.code], t.codes[r.number] = r.number, r.code
	}
	for _, l := range missing {
		t.numbers[l.code] = t.number(l.nearest)
	}
	return t
}

// number returns what c is on the wire.
func (t translation[C]) number(c C) uint64 {
	if n, ok := t.numbers[c]; ok {
		return n
	}
	return uint64(c)
}

// code returns what n means.
func (t translation[C]) code(n uint64) C {
	if c, ok := t.codes[n]; ok {
		return c
	}
	return C(n)
}

// The codes of REQUEST_ERROR that a draft lacks (moqt-16 §13.4.2, moqt-18
// §15.10.2, moqt-19 §15.10.2; draft 20 removed INVALID_JOINING_REQUEST_ID).
var (
	filterRequestErrors = []lacking[RequestError]{
		{RequestConflictingFilters, RequestNotSupported},
		{RequestInvalidFilter, RequestInvalidRange},
	}
	requestErrors16 = translate(RequestInternalError, nil, append([]lacking[RequestError]{
		{RequestGoingAway, RequestInternalError},
		{RequestExcessiveLoad, RequestInternalError},
		{RequestNamespaceTooLarge, RequestInternalError},
		{RequestUnsupportedExtension, RequestNotSupported},
		// The place to go to is lost, that it is not here remains.
		{RequestRedirect, RequestDoesNotExist},
	}, filterRequestErrors...))
	requestErrors18 = translate(RequestInternalError, nil, filterRequestErrors)
	requestErrors19 = translate(RequestInternalError, nil, []lacking[RequestError]{
		{RequestDuplicateSubscription, RequestNotSupported},
	})
	requestErrors20 = translate(RequestInternalError, nil, []lacking[RequestError]{
		{RequestDuplicateSubscription, RequestNotSupported},
		{RequestInvalidJoiningRequestID, RequestDoesNotExist},
	})
)

// The codes of PUBLISH_DONE (moqt-16 §13.4.3, moqt-18 §15.10.3). Draft 20 removed
// SUBSCRIPTION_ENDED and has nothing that says it; EXPIRED comes nearest: the
// subscription is over, the Track is not.
var (
	publishDone16 = translate(DoneInternalError,
		[]renumbered[PublishDoneCode]{{DoneExpired, 0x5}, {DoneTooFarBehind, 0x6}},
		[]lacking[PublishDoneCode]{{DoneExcessiveLoad, DoneInternalError}})
	publishDone20 = translate(DoneInternalError, nil,
		[]lacking[PublishDoneCode]{{DoneSubscriptionEnded, DoneExpired}})
)

// The codes of resets (moqt-16 §13.4.4, moqt-18 §15.10.4).
var resets16 = translate(ResetInternalError,
	[]renumbered[ResetCode]{{ResetUnknownObjectStatus, 0x4}},
	[]lacking[ResetCode]{
		{ResetGoingAway, ResetSessionClosed},
		{ResetTooFarBehind, ResetDeliveryTimeout},
		{ResetExpiredAuthToken, ResetCancelled},
		{ResetExcessiveLoad, ResetInternalError},
	})

// ResetNumber returns what c is in RESET_STREAM and STOP_SENDING. A code that
// draft v lacks becomes the one that comes nearest.
func (v Version) ResetNumber(c ResetCode) uint64 { return v.draft().resets.number(c) }

// ResetCode returns the meaning of a number in RESET_STREAM and STOP_SENDING.
func (v Version) ResetCode(n uint64) ResetCode { return v.draft().resets.code(n) }
