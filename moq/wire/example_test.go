package wire_test

import (
	"errors"
	"fmt"

	"moqedge/moq/wire"
)

// The same message has other bytes in each draft.
func ExampleAppendMessage() {
	m := &wire.Subscribe{
		RequestID: 2,
		Track:     wire.FullTrackName{Namespace: wire.Namespace{"example"}, Name: "clock"},
		Params: wire.Parameters{Filter: wire.Some(wire.Filter{
			Type: wire.FilterAbsoluteRange, Start: wire.Location{Group: 300}, EndGroup: 310, // inclusive
		})},
	}
	for _, v := range []wire.Version{wire.Draft16, wire.Draft18, wire.Draft22} {
		b, err := wire.AppendMessage(nil, v, m)
		if err != nil {
			fmt.Println(err) // draft v cannot express it
			return
		}
		fmt.Printf("%s %x\n", v, b)
	}
	// Output:
	// moqt-16 0300190201076578616d706c6505636c6f636b01210604412c004136
	// moqt-18 0300180201076578616d706c6505636c6f636b01210504812c000a
	// moqt-22 0300170201076578616d706c6505636c6f636b012103812c000a
}

// Bytes are decoded as they arrive. ErrShort asks for more of them; an Error
// is a fault of the peer, with the code to close the session with.
func ExampleDecodeMessage() {
	b, err := wire.AppendMessage(nil, wire.Draft18, &wire.Goaway{URI: "moqt://b.example/"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, b := range [][]byte{b[:5], b, {0x3F, 0, 0}} {
		m, n, err := wire.DecodeMessage(wire.Draft18, b)
		var fault *wire.Error
		switch {
		case errors.Is(err, wire.ErrShort):
			fmt.Println("read more")
		case errors.As(err, &fault):
			fmt.Println("close with", fault.Code)
		case err == nil:
			fmt.Println(m.Type(), m.(*wire.Goaway).URI, n == len(b))
		}
	}
	// Output:
	// read more
	// GOAWAY moqt://b.example/ true
	// close with PROTOCOL_VIOLATION
}

// A subgroup stream is a header and then objects, each followed by its payload.
func ExampleAppendSubgroupObject() {
	const v = wire.Draft18
	b := wire.AppendSubgroupHeader(nil, v, &wire.SubgroupHeader{TrackAlias: 1, Group: 9, EndOfGroup: true})
	var cursor wire.ObjectCursor // where the writer is in the stream
	for i, payload := range []string{"key", "delta"} {
		b = wire.AppendSubgroupObject(b, v, &cursor, false, &wire.Object{ID: uint64(2 * i), PayloadLen: uint64(len(payload))})
		b = append(b, payload...)
	}

	h, n, err := wire.ParseSubgroupHeader(v, b)
	if err != nil {
		fmt.Println(err)
		return
	}
	b = b[n:]
	cursor = wire.ObjectCursor{} // the reader has one of its own
	for len(b) > 0 {
		o, n, err := wire.ParseSubgroupObject(v, &cursor, h.HasProperties, b)
		if err != nil {
			fmt.Println(err)
			return
		}
		payload := b[n:][:o.PayloadLen]
		b = b[n+len(payload):]
		fmt.Printf("%d/%d %s\n", h.Group, o.ID, payload)
	}
	// Output:
	// 9/0 key
	// 9/2 delta
}

// Names have a printable form for logs and command lines.
func ExampleFullTrackName_String() {
	name := wire.FullTrackName{Namespace: wire.Namespace{"example.net", "team2"}, Name: "report"}
	fmt.Println(name)
	parsed, err := wire.ParseFullTrackName("example.2enet-team2--report")
	fmt.Println(parsed.Equal(name), err)
	// Output:
	// example.2enet-team2--report
	// true <nil>
}

// Properties are kept as bytes; a relay passes them on untouched.
func ExampleProperties_All() {
	p := wire.AppendProperties(nil,
		wire.KeyValue{Type: wire.PropPublisherPriority, Value: 10},
		wire.KeyValue{Type: 0x4321, Bytes: []byte("mine")},
	)
	if err := p.Validate(); err != nil {
		fmt.Println(err)
		return
	}
	for kv := range p.All() {
		fmt.Printf("%#x %d %q\n", kv.Type, kv.Value, kv.Bytes)
	}
	info, err := p.TrackInfo()
	fmt.Println(info.PublisherPriority, err)
	// Output:
	// 0xe 10 ""
	// 0x4321 0 "mine"
	// 10 <nil>
}

// What a session may ask of its peer depends on the draft.
func ExampleVersion_Has() {
	for _, v := range wire.Versions() {
		fmt.Println(v, "fill:", v.Has(wire.FeatureFill), "joining fetch:", v.Has(wire.FeatureJoiningFetch))
	}
	// Output:
	// moqt-18 fill: false joining fetch: true
	// moqt-16 fill: false joining fetch: true
	// moqt-22 fill: true joining fetch: false
	// moqt-21 fill: true joining fetch: false
	// moqt-20 fill: true joining fetch: false
	// moqt-19 fill: false joining fetch: true
}
