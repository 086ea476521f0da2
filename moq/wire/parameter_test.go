package wire

import (
	"slices"
	"testing"
)

// parameterSamples sets each parameter alone; the wire forms are those of
// draft 18.
var parameterSamples = []struct {
	typ    uint64
	hex    string
	params Parameters
}{
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
	{0x32, "32 05", Parameters{NewGroupRequest: Some(uint64(5))}},
	{0x34, "34 01 01 61", Parameters{TrackNamespacePrefix: Some(Namespace{"a"})}},
}

// parameterPlaces is moqt-18 §10.2.2 to §10.2.14, by message.
var parameterPlaces = []struct {
	msgType string
	typ     MessageType
	before  string // the payload up to the parameters
	allowed []uint64
}{
	{"03", MsgSubscribe, "00 00 00", []uint64{0x02, 0x03, 0x04, 0x06, 0x10, 0x20, 0x21, 0x22, 0x32}},
	{"0d", MsgTrackStatus, "00 00 00", []uint64{0x03}},
	{"1d", MsgPublish, "00 00 00 00", []uint64{0x03, 0x08, 0x09, 0x10}},
	{"16", MsgFetch, "00 02 00 00", []uint64{0x03, 0x0A, 0x20, 0x22}},
	{"06", MsgPublishNamespace, "00 00", []uint64{0x03}},
	{"50", MsgSubscribeNamespace, "00 00", []uint64{0x03}},
	{"51", MsgSubscribeTracks, "00 00", []uint64{0x03, 0x10}},
	{"02", MsgRequestUpdate, "00", []uint64{0x02, 0x03, 0x06, 0x10, 0x20, 0x21, 0x32, 0x34}},
	{"04", MsgSubscribeOK, "00", []uint64{0x08, 0x09}},
	{"18", MsgFetchOK, "00 00 00", nil},
	{"07", MsgRequestOK, "", []uint64{0x02, 0x06, 0x08, 0x09, 0x10, 0x20, 0x21, 0x22, 0x32}},
}

func TestParameterPlaces(t *testing.T) {
	if len(parameterSamples) != len(parameters18) {
		t.Fatalf("%d samples for %d parameters", len(parameterSamples), len(parameters18))
	}
	for _, place := range parameterPlaces {
		for _, s := range parameterSamples {
			_, _, err := DecodeMessage(Draft18, frame(place.msgType, place.before, "01", s.hex))
			if slices.Contains(place.allowed, s.typ) {
				if err != nil {
					t.Errorf("%v with parameter %#x: %v", place.typ, s.typ, err)
				}
				continue
			}
			wantError(t, err, SessionProtocolViolation)
		}
	}
}

// No parameter but AUTHORIZATION_TOKEN may be repeated (moqt-18 §10.2).
func TestRepeatedParameters(t *testing.T) {
	for _, place := range parameterPlaces {
		for _, s := range parameterSamples {
			if !slices.Contains(place.allowed, s.typ) {
				continue
			}
			again := "00" + s.hex[2:]
			_, _, err := DecodeMessage(Draft18, frame(place.msgType, place.before, "02", s.hex, again))
			if s.typ == 0x03 {
				if err != nil {
					t.Errorf("%v with two tokens: %v", place.typ, err)
				}
				continue
			}
			wantError(t, err, SessionProtocolViolation)
		}
	}
}

func TestRequestOKCheckFor(t *testing.T) {
	allowed := map[MessageType][]uint64{
		MsgPublish:            {0x02, 0x06, 0x08, 0x10, 0x20, 0x21, 0x22, 0x32},
		MsgTrackStatus:        {0x08, 0x09},
		MsgRequestUpdate:      {0x08, 0x09},
		MsgPublishNamespace:   {},
		MsgSubscribeNamespace: {},
		MsgSubscribeTracks:    {},
	}
	for request, types := range allowed {
		for _, s := range parameterSamples {
			err := (&RequestOK{Params: s.params}).CheckFor(Draft18, request)
			checkPlace(t, request, s.typ, types, err)
		}
		err := (&RequestOK{TrackProperties: unhex("02 00")}).CheckFor(Draft18, request)
		if request == MsgTrackStatus {
			if err != nil {
				t.Errorf("properties for %v: %v", request, err)
			}
			continue
		}
		wantError(t, err, SessionProtocolViolation)
	}
	for _, request := range []MessageType{MsgSubscribe, MsgFetch, MsgGoaway} {
		wantError(t, (&RequestOK{}).CheckFor(Draft18, request), SessionProtocolViolation)
	}
}

func TestRequestUpdateCheckFor(t *testing.T) {
	allowed := map[MessageType][]uint64{
		MsgSubscribe:          {0x02, 0x03, 0x06, 0x10, 0x20, 0x21, 0x32},
		MsgPublish:            {0x02, 0x03, 0x06, 0x10, 0x20, 0x21, 0x32},
		MsgFetch:              {0x02, 0x03, 0x06, 0x20},
		MsgPublishNamespace:   {0x02, 0x03, 0x06},
		MsgSubscribeNamespace: {0x02, 0x03, 0x06, 0x34},
		MsgSubscribeTracks:    {0x02, 0x03, 0x06, 0x34},
	}
	for request, types := range allowed {
		for _, s := range parameterSamples {
			err := (&RequestUpdate{Params: s.params}).CheckFor(Draft18, request)
			checkPlace(t, request, s.typ, types, err)
		}
	}
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
