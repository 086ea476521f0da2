package wire

import (
	"reflect"
	"slices"
	"testing"
)

// parameterSample sets one parameter alone.
type parameterSample struct {
	typ    uint64
	hex    string
	params Parameters
}

var oneRange = []ValueRange{{First: 3, Last: 5}}

// parameterSamples holds every parameter in the form of drafts 18 and 19.
var parameterSamples = []parameterSample{
	{0x02, "02 05", Parameters{ObjectDeliveryTimeout: Some(5 * ms)}},
	{0x03, "03 02 02 01", Parameters{AuthTokens: []Token{{AliasType: TokenUseAlias, Alias: 1}}}},
	{0x04, "04 05", Parameters{RendezvousTimeout: Some(5 * ms)}},
	{0x06, "06 05", Parameters{SubgroupDeliveryTimeout: Some(5 * ms)}},
	{0x08, "08 05", Parameters{Expires: Some(5 * ms)}},
	{0x09, "09 05 06", Parameters{LargestObject: Some(Location{5, 6})}},
	{0x0A, "0a 05", Parameters{FillTimeout: Some(5 * ms)}},
	{0x10, "10 01", Parameters{Forward: Some(true)}},
	{0x20, "20 05", Parameters{SubscriberPriority: Some(uint8(5))}},
	{0x21, "21 01 02", Parameters{Filter: Some(Filter{Type: FilterLargestObject})}},
	{0x22, "22 02", Parameters{GroupOrder: Some(GroupOrderDescending)}},
	{0x23, "23 01 00", Parameters{FillParameters: Some(FillParameters{})}},
	{0x25, "25 03 00 03 02", Parameters{RangeFilters: []RangeFilter{{Type: RangeSubgroup, Ranges: oneRange}}}},
	{0x26, "26 03 00 03 02", Parameters{RangeFilters: []RangeFilter{{Type: RangeObjectID, Ranges: oneRange}}}},
	{0x27, "27 03 00 03 02", Parameters{RangeFilters: []RangeFilter{{Type: RangePriority, Ranges: oneRange}}}},
	{0x28, "28 04 00 3c 03 02", Parameters{RangeFilters: []RangeFilter{{Type: RangeObjectProperty, Property: 0x3C, Ranges: oneRange}}}},
	{0x29, "29 04 00 0e 03 02", Parameters{RangeFilters: []RangeFilter{{Type: RangeTrackProperty, Property: 0x0E, Ranges: oneRange}}}},
	{0x32, "32 05", Parameters{NewGroupRequest: Some(uint64(5))}},
	{0x34, "34 01 01 61", Parameters{TrackNamespacePrefix: Some(Namespace{"a"})}},
	{0x35, "35 00", Parameters{IncludeProperties: Some(false)}},
}

// samplesOf returns the samples in the form of a draft.
func samplesOf(v Version) []parameterSample {
	samples := slices.Clone(parameterSamples)
	for i := range samples {
		switch s := &samples[i]; {
		case v == Draft16 && s.typ == 0x09:
			s.hex = "09 02 05 06"
		case v >= Draft22 && s.typ == 0x21:
			s.hex = "21 05"
		case v >= Draft20 && s.typ == 0x21:
			s.hex = "21 02 00 00"
		}
	}
	return samples
}

// parameterPlace is a message up to its parameters, and which are allowed there.
type parameterPlace struct {
	msgType string
	before  string
	allowed []uint64
}

var (
	subscribe19 = []uint64{0x02, 0x03, 0x04, 0x06, 0x10, 0x20, 0x21, 0x22, 0x25, 0x26, 0x27, 0x28, 0x32}
	subscribe20 = append([]uint64{0x35}, subscribe19...)
)

// parameterPlaces is moqt-16 §9.2.2, moqt-18 §10.2.2 to §10.2.14, moqt-19 §10.2.2
// to §10.2.19 with §5.1.3 and §10.19.1, and the same of draft 20.
var parameterPlaces = []table[parameterPlace]{
	{draft16, []parameterPlace{
		{"03", "00 01 01 61 00", []uint64{0x02, 0x03, 0x10, 0x20, 0x21, 0x22, 0x32}},
		{"0d", "00 01 01 61 00", []uint64{0x03}},
		{"1d", "00 01 01 61 00 00", []uint64{0x03, 0x08, 0x09, 0x10}},
		{"1e", "00", []uint64{0x02, 0x08, 0x10, 0x20, 0x21, 0x22, 0x32}},
		{"16", "00 02 00 00", []uint64{0x03, 0x20, 0x22}},
		{"06", "00 01 01 61", []uint64{0x03}},
		{"11", "00 00 01", []uint64{0x03, 0x10}},
		{"02", "00 00", []uint64{0x02, 0x03, 0x10, 0x20, 0x21, 0x32}},
		{"04", "00 00", []uint64{0x08, 0x09}},
		{"18", "00 00 00 01", nil},
		{"07", "00", []uint64{0x08, 0x09}},
	}},
	{[]Version{Draft18}, []parameterPlace{
		{"03", "00 01 01 61 00", []uint64{0x02, 0x03, 0x04, 0x06, 0x10, 0x20, 0x21, 0x22, 0x32}},
		{"0d", "00 01 01 61 00", []uint64{0x03}},
		{"1d", "00 01 01 61 00 00", []uint64{0x03, 0x08, 0x09, 0x10}},
		{"16", "00 02 00 00", []uint64{0x03, 0x0A, 0x20, 0x22}},
		{"06", "00 01 01 61", []uint64{0x03}},
		{"50", "00 00", []uint64{0x03}},
		{"51", "00 00", []uint64{0x03, 0x10}},
		{"02", "00", []uint64{0x02, 0x03, 0x06, 0x10, 0x20, 0x21, 0x32, 0x34}},
		{"04", "00", []uint64{0x08, 0x09}},
		{"18", "00 00 00", nil},
		{"07", "", []uint64{0x02, 0x06, 0x08, 0x09, 0x10, 0x20, 0x21, 0x22, 0x32}},
	}},
	{[]Version{Draft19}, []parameterPlace{
		{"03", "00 01 01 61 00", subscribe19},
		{"0d", "00 01 01 61 00", []uint64{0x03}},
		{"1d", "00 01 01 61 00 00", []uint64{0x03, 0x08, 0x09, 0x10, 0x22}},
		{"16", "00 02 00 00", []uint64{0x03, 0x0A, 0x20, 0x22, 0x25, 0x26, 0x27, 0x28}},
		{"06", "00 01 01 61", []uint64{0x03}},
		{"50", "00 00", []uint64{0x03}},
		{"51", "00 00", append([]uint64{0x29}, subscribe19...)},
		{"02", "00", []uint64{0x02, 0x03, 0x06, 0x10, 0x20, 0x21, 0x25, 0x26, 0x27, 0x28, 0x29, 0x32, 0x34}},
		{"04", "00", []uint64{0x08, 0x09}},
		{"18", "00 00 00", nil},
		{"07", "", []uint64{0x02, 0x06, 0x08, 0x09, 0x10, 0x20, 0x21, 0x25, 0x26, 0x27, 0x28, 0x32}},
	}},
	{from20, []parameterPlace{
		{"03", "00 01 01 61 00", append([]uint64{0x23}, subscribe20...)},
		{"0d", "00 01 01 61 00", []uint64{0x03, 0x35}},
		{"1d", "00 01 01 61 00 00", []uint64{0x02, 0x03, 0x06, 0x08, 0x09, 0x10, 0x20, 0x21, 0x22}},
		{"16", "00 01 01 61 00", []uint64{0x03, 0x0A, 0x20, 0x21, 0x22, 0x25, 0x26, 0x27, 0x28, 0x35}},
		{"06", "00 01 01 61", []uint64{0x03}},
		{"50", "00 00", []uint64{0x03}},
		{"51", "00 00", append([]uint64{0x29}, subscribe20...)},
		{"02", "00", []uint64{0x02, 0x03, 0x06, 0x10, 0x20, 0x21, 0x23, 0x25, 0x26, 0x27, 0x28, 0x29, 0x32, 0x34}},
		{"04", "00", []uint64{0x08, 0x09}},
		{"18", "00 00 00", nil},
		{"07", "", []uint64{0x08, 0x09}},
		{"22", "", []uint64{0x09, 0x10, 0x21}},
	}},
}

// has16 are the parameters of draft 16: there, and only there, one of them in the
// wrong message is ignored.
var has16 = []uint64{0x02, 0x03, 0x08, 0x09, 0x10, 0x20, 0x21, 0x22, 0x32}

func TestParameterPlaces(t *testing.T) {
	if len(parameterSamples) != len(parameters22) {
		t.Fatalf("%d samples for %d parameters", len(parameterSamples), len(parameters22))
	}
	each(parameterPlaces, func(v Version, place parameterPlace) {
		for _, s := range samplesOf(v) {
			m, _, err := DecodeMessage(v, frame(place.msgType, place.before, "01", s.hex))
			if slices.Contains(place.allowed, s.typ) {
				if err != nil {
					t.Errorf("%v: type %s with parameter %#x: %v", v, place.msgType, s.typ, err)
				} else if got := paramsOf(m); !reflect.DeepEqual(*got, s.params) {
					t.Errorf("%v: type %s with parameter %#x: read %+v", v, place.msgType, s.typ, *got)
				}
				continue
			}
			if v == Draft16 && slices.Contains(has16, s.typ) {
				if err != nil || !reflect.DeepEqual(*paramsOf(m), Parameters{}) {
					t.Errorf("%v: type %s with parameter %#x is not ignored: %+v, %v", v, place.msgType, s.typ, m, err)
				}
				continue
			}
			if err == nil {
				t.Errorf("%v: type %s with parameter %#x is accepted", v, place.msgType, s.typ)
				continue
			}
			wantError(t, err, SessionProtocolViolation)
		}
	})
}

// paramsOf returns the parameters of any message that has them.
func paramsOf(m Message) *Parameters {
	p, _ := reflect.ValueOf(m).Elem().FieldByName("Params").Addr().Interface().(*Parameters)
	return p
}

// What a draft lacks is left out if it is advice, and refused if it is not.
func TestParametersSent(t *testing.T) {
	left := []uint64{0x02, 0x04, 0x06, 0x08, 0x0A, 0x10, 0x20, 0x22, 0x35}
	for _, v := range everyDraft {
		for _, s := range parameterSamples {
			for _, m := range []Message{&Subscribe{Track: liveVideo}, &SubscribeTracks{}, &Publish{Track: liveVideo}, &TrackStatus{Track: liveVideo}, &SubscribeOK{}} {
				*paramsOf(m) = s.params
				where := map[MessageType]scope{MsgSubscribe: inSubscribe, MsgSubscribeTracks: inSubscribeTracks,
					MsgPublish: inPublish, MsgTrackStatus: inTrackStatus, MsgSubscribeOK: inSubscribeOK}[m.Type()]
				if v == Draft16 && where == inSubscribeTracks {
					where = inSubscribeNamespace // the message that it is there
				}
				b, err := AppendMessage(nil, v, m)
				switch {
				case v.draft().parameter(s.typ) != nil && v.draft().parameter(s.typ).allowed&where != 0:
					again, _, e := DecodeMessage(v, b)
					if err != nil || e != nil || !reflect.DeepEqual(*paramsOf(again), s.params) {
						t.Errorf("%v: %v with %#x: %v, %v, read %+v", v, m.Type(), s.typ, err, e, again)
					}
				case slices.Contains(left, s.typ) && advice[s.typ]&where != 0:
					*paramsOf(m) = Parameters{}
					if want, e := AppendMessage(nil, v, m); e != nil || err != nil || !slices.Equal(b, want) {
						t.Errorf("%v: %v with %#x: %x, %v, want it left out", v, m.Type(), s.typ, b, err)
					}
				case err == nil:
					t.Errorf("%v: %v with %#x was sent: %x", v, m.Type(), s.typ, b)
				}
			}
		}
	}
}

// No parameter but AUTHORIZATION_TOKEN and the range filters may be repeated
// (moqt-18 §10.2); a range filter that is refuses the request (moqt-19 §5.1.3).
func TestRepeatedParameters(t *testing.T) {
	each(parameterPlaces, func(v Version, place parameterPlace) {
		for _, s := range samplesOf(v) {
			if !slices.Contains(place.allowed, s.typ) {
				continue
			}
			again := "00" + s.hex[2:]
			m, _, err := DecodeMessage(v, frame(place.msgType, place.before, "02", s.hex, again))
			isFilter := len(s.params.RangeFilters) > 0
			if s.typ == 0x03 || isFilter {
				if err != nil || isFilter != (paramsOf(m).InvalidFilter != "") {
					t.Errorf("%v: type %s with two of %#x: %+v, %v", v, place.msgType, s.typ, m, err)
				}
				continue
			}
			if err == nil {
				t.Errorf("%v: type %s with two of %#x is accepted", v, place.msgType, s.typ)
				continue
			}
			wantError(t, err, SessionProtocolViolation)
		}
	})
}

// answerPlace is what may be in an answer to, or an update of, a request.
type answerPlace struct {
	request MessageType
	allowed []uint64
}

var okPlaces = []table[answerPlace]{
	{[]Version{Draft18}, []answerPlace{{MsgPublish, []uint64{0x02, 0x06, 0x08, 0x10, 0x20, 0x21, 0x22, 0x32}}}},
	{[]Version{Draft19}, []answerPlace{{MsgPublish, []uint64{0x02, 0x06, 0x08, 0x10, 0x20, 0x21, 0x25, 0x26, 0x27, 0x28, 0x32}}}},
	{from20, []answerPlace{{MsgPublish, []uint64{0x08}}}},
	{everyDraft, []answerPlace{{MsgTrackStatus, []uint64{0x08, 0x09}}, {MsgRequestUpdate, []uint64{0x08, 0x09}}}},
	{[]Version{Draft16, Draft18}, []answerPlace{{MsgPublishNamespace, nil}, {MsgSubscribeNamespace, nil}, {MsgSubscribeTracks, nil}}},
	{[]Version{Draft19, Draft20, Draft21, Draft22}, []answerPlace{{MsgPublishNamespace, []uint64{0x08}},
		{MsgSubscribeNamespace, []uint64{0x08}}, {MsgSubscribeTracks, []uint64{0x08}}}},
}

func TestRequestOKCheckFor(t *testing.T) {
	each(okPlaces, func(v Version, place answerPlace) {
		for _, s := range parameterSamples {
			m := &RequestOK{Params: s.params}
			err := m.CheckFor(v, place.request)
			if v != Draft16 {
				checkPlace(t, place.request, s.typ, place.allowed, err)
				continue
			}
			want := Parameters{}
			if slices.Contains(place.allowed, s.typ) {
				want = s.params
			}
			if slices.Contains(has16, s.typ) && (err != nil || !reflect.DeepEqual(m.Params, want)) {
				t.Errorf("%v: parameter %#x for %v: %+v, %v", v, s.typ, place.request, m.Params, err)
			}
		}
		err := (&RequestOK{TrackProperties: unhex("02 00")}).CheckFor(v, place.request)
		if place.request == MsgTrackStatus {
			if err != nil {
				t.Errorf("properties for %v: %v", place.request, err)
			}
			return
		}
		wantError(t, err, SessionProtocolViolation)
	})
	for _, v := range everyDraft {
		for _, request := range []MessageType{MsgSubscribe, MsgFetch, MsgGoaway} {
			wantError(t, (&RequestOK{}).CheckFor(v, request), SessionProtocolViolation)
		}
	}
	wantError(t, (&RequestOK{}).CheckFor(Draft16, MsgPublish), SessionProtocolViolation)
}

var (
	subscriptionUpdate16 = []uint64{0x02, 0x03, 0x10, 0x20, 0x21, 0x32}
	subscriptionUpdate18 = append([]uint64{0x06}, subscriptionUpdate16...)
	subscriptionUpdate19 = append([]uint64{0x25, 0x26, 0x27, 0x28}, subscriptionUpdate18...)
	subscriptionUpdate20 = append([]uint64{0x23}, subscriptionUpdate19...)
)

var updatePlaces = []table[answerPlace]{
	{draft16, []answerPlace{{MsgSubscribe, subscriptionUpdate16}, {MsgPublish, subscriptionUpdate16},
		{MsgFetch, []uint64{0x02, 0x03, 0x20}}, {MsgPublishNamespace, []uint64{0x02, 0x03}},
		{MsgSubscribeNamespace, []uint64{0x02, 0x03}}}},
	{from18, []answerPlace{{MsgFetch, []uint64{0x02, 0x03, 0x06, 0x20}}, {MsgPublishNamespace, []uint64{0x02, 0x03, 0x06}},
		{MsgSubscribeNamespace, []uint64{0x02, 0x03, 0x06, 0x34}}}},
	{[]Version{Draft18}, []answerPlace{{MsgSubscribe, subscriptionUpdate18}, {MsgPublish, subscriptionUpdate18},
		{MsgSubscribeTracks, []uint64{0x02, 0x03, 0x06, 0x34}}}},
	{[]Version{Draft19}, []answerPlace{{MsgSubscribe, subscriptionUpdate19}, {MsgPublish, subscriptionUpdate19},
		{MsgSubscribeTracks, []uint64{0x02, 0x03, 0x06, 0x29, 0x34}}}},
	{from20, []answerPlace{{MsgSubscribe, subscriptionUpdate20}, {MsgPublish, subscriptionUpdate20},
		{MsgSubscribeTracks, []uint64{0x02, 0x03, 0x06, 0x10, 0x29, 0x34}}}},
}

func TestRequestUpdateCheckFor(t *testing.T) {
	each(updatePlaces, func(v Version, place answerPlace) {
		for _, s := range parameterSamples {
			err := (&RequestUpdate{Params: s.params}).CheckFor(v, place.request)
			checkPlace(t, place.request, s.typ, place.allowed, err)
		}
	})
	for _, request := range []MessageType{MsgTrackStatus, MsgRequestUpdate, MsgGoaway} {
		wantError(t, (&RequestUpdate{}).CheckFor(Draft18, request), SessionProtocolViolation)
	}
}

func checkPlace(t *testing.T, request MessageType, typ uint64, allowed []uint64, err error) {
	t.Helper()
	if !slices.Contains(allowed, typ) {
		wantError(t, err, SessionProtocolViolation)
	} else if err != nil {
		t.Errorf("parameter %#x for %v: %v", typ, request, err)
	}
}
