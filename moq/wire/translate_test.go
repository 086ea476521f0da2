package wire

import (
	"math"
	"testing"
)

func TestResetNumbers(t *testing.T) {
	for _, c := range []struct {
		v      Version
		code   ResetCode
		number uint64
		back   ResetCode // what the number means to the receiver
	}{
		{Draft16, ResetInternalError, 0, ResetInternalError},
		{Draft16, ResetSessionClosed, 3, ResetSessionClosed},
		{Draft16, ResetUnknownObjectStatus, 4, ResetUnknownObjectStatus},
		{Draft16, ResetMalformedTrack, 0x12, ResetMalformedTrack},
		{Draft16, ResetGoingAway, 3, ResetSessionClosed},
		{Draft16, ResetTooFarBehind, 2, ResetDeliveryTimeout},
		{Draft16, ResetExpiredAuthToken, 1, ResetCancelled},
		{Draft16, ResetExcessiveLoad, 0, ResetInternalError},
		{Draft16, 0x9D, 0x9D, 0x9D},
		{Draft18, ResetUnknownObjectStatus, 6, ResetUnknownObjectStatus},
		{Draft22, ResetGoingAway, 4, ResetGoingAway},
		{Draft22, ResetExcessiveLoad, 9, ResetExcessiveLoad},
	} {
		if got := c.v.ResetNumber(c.code); got != c.number {
			t.Errorf("%v: %v is sent as %#x, want %#x", c.v, c.code, got, c.number)
		}
		if got := c.v.ResetCode(c.number); got != c.back {
			t.Errorf("%v: %#x is read as %v, want %v", c.v, c.number, got, c.back)
		}
	}
	for _, n := range []uint64{5, 6, 7, 9} { // without a meaning in draft 16
		if got := Draft16.ResetCode(n); got != ResetInternalError {
			t.Errorf("draft 16: %#x is read as %v", n, got)
		}
	}
}

// Codes that a draft lacks arrive as the ones that come nearest.
func TestMessageCodes(t *testing.T) {
	both := func(v Version, m Message) Message {
		b, err := AppendMessage(nil, v, m)
		if err != nil {
			t.Fatalf("%v: %+v: %v", v, m, err)
		}
		again, _, err := DecodeMessage(v, b)
		if err != nil {
			t.Fatalf("%v: %+v: %v", v, m, err)
		}
		return again
	}
	for _, c := range []struct {
		v          Version
		code, want RequestError
	}{
		{Draft16, RequestGoingAway, RequestInternalError},
		{Draft16, RequestExcessiveLoad, RequestInternalError},
		{Draft16, RequestNamespaceTooLarge, RequestInternalError},
		{Draft16, RequestUnsupportedExtension, RequestNotSupported},
		{Draft16, RequestConflictingFilters, RequestNotSupported},
		{Draft16, RequestDuplicateSubscription, RequestDuplicateSubscription},
		{Draft18, RequestInvalidFilter, RequestInvalidRange},
		{Draft18, RequestGoingAway, RequestGoingAway},
		{Draft19, RequestDuplicateSubscription, RequestNotSupported},
		{Draft19, RequestInvalidJoiningRequestID, RequestInvalidJoiningRequestID},
		{Draft20, RequestInvalidJoiningRequestID, RequestDoesNotExist},
		{Draft22, RequestConflictingFilters, RequestConflictingFilters},
	} {
		if got := both(c.v, &RequestErr{Code: c.code}).(*RequestErr).Code; got != c.want {
			t.Errorf("%v: %v arrives as %v, want %v", c.v, c.code, got, c.want)
		}
	}
	redirect := &RequestErr{RequestID: 2, Code: RequestRedirect, Redirect: &Redirect{URI: "moqt://c"}}
	if got := both(Draft16, redirect).(*RequestErr); got.Code != RequestDoesNotExist || got.Redirect != nil {
		t.Errorf("a redirect arrives as %+v", got)
	}
	for _, c := range []struct {
		v          Version
		code, want PublishDoneCode
	}{
		{Draft16, DoneExpired, DoneExpired},
		{Draft16, DoneTooFarBehind, DoneTooFarBehind},
		{Draft16, DoneExcessiveLoad, DoneInternalError},
		{Draft19, DoneSubscriptionEnded, DoneSubscriptionEnded},
		{Draft20, DoneSubscriptionEnded, DoneExpired},
		{Draft22, DoneExcessiveLoad, DoneExcessiveLoad},
	} {
		got := both(c.v, &PublishDone{Code: c.code, StreamCount: UnknownStreamCount}).(*PublishDone)
		if got.Code != c.want || got.StreamCount != math.MaxUint64 {
			t.Errorf("%v: %v arrives as %+v, want %v", c.v, c.code, got, c.want)
		}
	}
}

func TestFeatures(t *testing.T) {
	for f, since := range map[Feature][]Version{
		FeatureControlStream:       draft16,
		FeatureJoiningFetch:        {Draft16, Draft18, Draft19},
		FeatureFill:                from20,
		FeatureStateNotify:         from20,
		FeatureRangeFilters:        from19,
		FeatureRequestUpdateLimit:  from19,
		FeatureSharedTracks:        from19,
		FeatureGoawayRequestID:     draft18,
		FeatureGoawayTimeout:       from18,
		FeatureRequestGoaway:       from18,
		FeatureSubscribeTracks:     from18,
		FeaturePublishOKParams:     {Draft16, Draft18, Draft19},
		FeatureTimedOutRange:       from20,
		FeatureFirstObject:         from18,
		FeatureObjectTimeouts:      from19,
		FeatureRedirect:            from18,
		FeatureReservedNamespaces:  from18,
		FeatureMandatoryProperties: from18,
		FeatureFinKeepsRequest:     from19,
	} {
		has := map[Version]bool{}
		for _, v := range since {
			has[v] = true
		}
		for _, v := range append([]Version{0, 17, 23}, everyDraft...) {
			if v.Has(f) != has[v] {
				t.Errorf("%v has feature %d: %v", v, f, v.Has(f))
			}
		}
	}
}
