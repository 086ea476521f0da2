package wire

import (
	"bytes"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// What a draft cannot say is refused, and the buffer is as it was.
func TestDraftsRefuse(t *testing.T) {
	filter := func(f Filter) Message { return &Subscribe{Track: liveVideo, Params: Parameters{Filter: Some(f)}} }
	ranges := func(fs ...RangeFilter) Message {
		return &Subscribe{Track: liveVideo, Params: Parameters{RangeFilters: fs}}
	}
	one := []ValueRange{{1, 1}}
	type refusal struct {
		name string
		msg  Message
	}
	each([]table[refusal]{
		{draft16, []refusal{
			{"integer of 63 bits", &Subscribe{RequestID: 1 << 62, Track: liveVideo}},
			{"setup value of 63 bits", &Setup{MaxRequestID: Some(uint64(1 << 62))}},
			{"filter of 63 bits", filter(Filter{Type: FilterAbsoluteStart, Start: Location{1 << 62, 0}})},
			{"publish_skipped", &PublishBlocked{}},
			{"namespace interest", &SubscribeNamespace{Interest: 3}},
			{"nil subscribe_tracks", (*SubscribeTracks)(nil)},
			{"nil setup", (*Setup)(nil)},
			{"prefix update", &RequestUpdate{Params: Parameters{TrackNamespacePrefix: Some(Namespace{"a"})}}},
			{"known option as unknown", &Setup{Unknown: []KeyValue{{Type: setupMaxRequestID}}}},
			{"subscribe without namespace", &Subscribe{Track: FullTrackName{Name: "a"}}},
			{"publish without namespace", &Publish{Track: FullTrackName{Name: "a"}}},
			{"publish_namespace without fields", &PublishNamespace{}},
			{"misplaced largest object", &Subscribe{Track: liveVideo, Params: Parameters{LargestObject: Some(Location{})}}},
		}},
		{from18, []refusal{
			{"max_request_id", &MaxRequestID{}}, {"requests_blocked", &RequestsBlocked{}}, {"unsubscribe", &Unsubscribe{}},
			{"fetch_cancel", &FetchCancel{}}, {"publish_namespace_done", &PublishNamespaceDone{}},
			{"publish_namespace_cancel", &PublishNamespaceCancel{}}, {"publish_ok", &PublishOK{}},
			{"interest in tracks", &SubscribeNamespace{Interest: InterestTracks}},
		}},
		{append(draft16, before20...), []refusal{
			{"publish_state_notify", &StateNotify{}},
			{"filter inside a group", filter(Filter{Type: FilterAbsoluteRange, EndObject: Some(uint64(5))})},
			{"relative filter", filter(Filter{Type: FilterRelativeGroup, Groups: 1})},
			{"fill", &Subscribe{Track: liveVideo, Params: Parameters{FillParameters: Some(FillParameters{})}}},
			{"fetch without range", &Fetch{Kind: FetchStandalone, Track: liveVideo}},
			{"relative fetch", &Fetch{Kind: FetchStandalone, Track: liveVideo, Params: Parameters{Filter: Some(Filter{Type: FilterNextGroup})}}},
			{"joining fetch with a filter", &Fetch{Kind: FetchRelativeJoining, Params: Parameters{Filter: Some(Filter{})}}},
		}},
		{[]Version{Draft16, Draft18}, []refusal{{"range filter", ranges(RangeFilter{Type: RangeSubgroup, Ranges: one})}}},
		{from19, []refusal{
			{"known option as unknown", &Setup{Unknown: []KeyValue{{Type: setupMaxFilterRanges}}}},
			{"range filter type", ranges(RangeFilter{Type: 0x24, Ranges: one})},
			{"removed range filter", ranges(RangeFilter{Type: RangeSubgroup})},
			{"repeated range filter", ranges(RangeFilter{Type: RangeSubgroup, Ranges: one}, RangeFilter{Type: RangeSubgroup, Ranges: one})},
			{"ranges out of order", ranges(RangeFilter{Type: RangeSubgroup, Ranges: []ValueRange{{5, 6}, {1, 2}}})},
			{"range backwards", ranges(RangeFilter{Type: RangeSubgroup, Ranges: []ValueRange{{5, 4}}})},
			{"priority 256", ranges(RangeFilter{Type: RangePriority, Ranges: []ValueRange{{0, 256}}})},
			{"odd property", ranges(RangeFilter{Type: RangeObjectProperty, Property: 0x0B, Ranges: one})},
			{"track property of a subscription", ranges(RangeFilter{Type: RangeTrackProperty, Ranges: one})},
		}},
		{from20, []refusal{
			{"joining fetch", &Fetch{Kind: FetchAbsoluteJoining}},
			{"filter type", filter(Filter{Type: 6})},
			{"filter backwards", filter(Filter{Type: FilterAbsoluteRange, Start: Location{5, 0}, EndGroup: 4})},
			{"publish_ok with filter", &RequestOK{Params: Parameters{Filter: Some(Filter{})}}},
			{"fill with track property filter", &Subscribe{Track: liveVideo, Params: Parameters{FillParameters: Some(FillParameters{
				RangeFilters: []RangeFilter{{Type: RangeTrackProperty, Ranges: one}}})}}},
			{"fill with negative timeout", &Subscribe{Track: liveVideo, Params: Parameters{FillParameters: Some(FillParameters{FillTimeout: Some(-ms)})}}},
		}},
	}, func(v Version, c refusal) {
		t.Run(v.String()+"/"+c.name, func(t *testing.T) {
			if b, err := AppendMessage([]byte("x"), v, c.msg); err == nil || !bytes.Equal(b, []byte("x")) {
				t.Fatalf("wrote %.100x, error %v", b, err)
			}
		})
	})
}

// What a draft has no field for is left out, and other forms mean the same.
func TestDraftsTranslate(t *testing.T) {
	type translated struct{ msg, want Message }
	whole := Filter{Type: FilterAbsoluteStart}
	subscribe := func(f Filter) Message { return &Subscribe{Track: liveVideo, Params: Parameters{Filter: Some(f)}} }
	each([]table[translated]{
		{draft16, []translated{
			{&SubscribeTracks{RequestID: 2, Prefix: Namespace{"a"}, Params: Parameters{Forward: Some(false)}},
				&SubscribeNamespace{RequestID: 2, Prefix: Namespace{"a"}, Interest: InterestTracks, Params: Parameters{Forward: Some(false)}}},
			{&Goaway{URI: "moqt://b", Timeout: ms, RequestID: Some(uint64(2))}, &Goaway{URI: "moqt://b"}},
			{&Setup{MaxFilterRanges: Some(uint64(1)), MaxRequestUpdates: Some(uint64(1))}, &Setup{}},
			{&Subscribe{Track: liveVideo, Params: Parameters{ObjectDeliveryTimeout: Some(0 * ms)}}, &Subscribe{Track: liveVideo}},
			{&RequestOK{RequestID: 2, TrackProperties: unhex("02 05")}, &RequestOK{RequestID: 2}},
		}},
		{from18, []translated{
			{&Setup{Server: true, MaxRequestID: Some(uint64(1))}, &Setup{}},
			{&SubscribeOK{RequestID: 4, TrackAlias: 1}, &SubscribeOK{TrackAlias: 1}},
			{&RequestUpdate{RequestID: 4, ExistingID: 2}, &RequestUpdate{RequestID: 4}},
		}},
		{from19, []translated{{&Goaway{Timeout: ms, RequestID: Some(uint64(2))}, &Goaway{Timeout: ms}}}},
		{append(draft16, before20...), []translated{
			{subscribe(Filter{}), subscribe(whole)},
			{subscribe(Filter{Type: FilterRelativeGroup}), subscribe(Filter{Type: FilterNextGroup})},
			{subscribe(Filter{Type: FilterAbsoluteRange, EndGroup: 3, EndObject: Some(uint64(1<<64 - 1))}),
				subscribe(Filter{Type: FilterAbsoluteRange, EndGroup: 3})},
		}},
		{twenties, []translated{{subscribe(whole), subscribe(Filter{})}}},
		{draft22, []translated{{subscribe(whole), subscribe(whole)}}},
		{from20, []translated{{subscribe(Filter{Type: FilterRelativeGroup}), subscribe(Filter{Type: FilterNextGroup})}}},
	}, func(v Version, c translated) {
		b, err := AppendMessage(nil, v, c.msg)
		if err != nil {
			t.Errorf("%v: %+v: %v", v, c.msg, err)
			return
		}
		if got, _, err := DecodeMessage(v, b); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: %+v arrives as %+v (%v), want %+v", v, c.msg, got, err, c.want)
		}
	})
}

// A decoder allocates in proportion to the bytes that are there, whatever they
// announce.
func TestDecodeAllocates(t *testing.T) {
	full := func(typ, before, item string) []byte {
		p := unhex(before)
		return frame(typ, before, strings.Repeat(item, (MaxMessagePayload-len(p))*2/len(item)))
	}
	inputs := [][]byte{
		full("03", "00 01 01 61 00 fffffffffffffffff0", "00"),
		full("03", "00 01 01 61 00 ff ffffffffffffffff", "0003020201"),                // tokens
		full("03", "00 01 01 61 00 ff ffffffffffffffff 25 00", "00 00"),               // removed range filters
		full("03", "00 01 01 61 00 ff ffffffffffffffff 25 03 00 01 00", "0003000100"), // repeated ones
		full("03", "00 01 01 61 00 01 25 c0fff0 00", "0000"),                          // ranges
		full("03", "00 01 01 61 00 01 23 c0fff0 ff ffffffffffffffff", "2500"),
		full("03", "00 ff ffffffffffffffff", "0161"),
		full("af00", "", "0200"),                       // setup options
		full("20", "ffffffffffffffff", "0200"),         // the same in draft 16
		full("11", "00 ff ff ffffffff", "00"),          // a namespace count
		full("1d", "00 01 01 61 00 00 00", "7f7f0000"), // track properties
	}
	each(badMessageTables, func(_ Version, c badCase) { inputs = append(inputs, c.in) })
	for _, v := range everyDraft {
		for _, in := range inputs {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, _ = DecodeMessage(v, in)
			runtime.ReadMemStats(&after)
			if got, most := after.TotalAlloc-before.TotalAlloc, uint64(40*len(in)+16<<10); got > most {
				t.Errorf("%v: %d bytes for %d bytes of input %.40x", v, got, len(in), in)
			}
		}
	}
}
