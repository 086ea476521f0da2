package wire

import "strings"

// nameCase is a name in print and on the wire.
type nameCase struct {
	name  string
	text  string
	value FullTrackName
	in    []byte
}

var nameCases = []nameCase{
	{
		// moqt-18 §1.5.1
		name: "the draft's example", text: "example.2enet-team2-project_x--report",
		value: FullTrackName{Namespace: Namespace{"example.net", "team2", "project_x"}, Name: "report"},
		in:    unhex("03 0b 6578616d706c652e6e6574 05 7465616d32 09 70726f6a6563745f78 06 7265706f7274"),
	},
	{
		name: "empty name", text: "live--",
		value: FullTrackName{Namespace: Namespace{"live"}}, in: unhex("01 04 6c697665 00"),
	},
	{name: "nothing", text: "--", in: unhex("00 00")},
	{
		name: "no namespace", text: "--a", value: FullTrackName{Name: "a"}, in: unhex("00 01 61"),
	},
	{
		name: "hyphens and periods", text: ".2d.2d-.2e--.2d",
		value: FullTrackName{Namespace: Namespace{"--", "."}, Name: "-"}, in: unhex("02 02 2d2d 01 2e 01 2d"),
	},
	{
		name: "binary", text: ".00.ff-Z9_--.c3.a9.20.7f",
		value: FullTrackName{Namespace: Namespace{"\x00\xff", "Z9_"}, Name: "é \x7f"},
		in:    unhex("02 02 00ff 03 5a395f 04 c3a9207f"),
	},
	{
		name: "32 fields", text: strings.Repeat("a-", 31) + "a--",
		value: FullTrackName{Namespace: strings.Split(strings.Repeat("a", 32), "")},
		in:    unhex("20", strings.Repeat("0161", 32), "00"),
	},
	{
		name: "4096 bytes", text: strings.Repeat("a", 4000) + "--" + strings.Repeat("a", 96),
		value: FullTrackName{Namespace: Namespace{strings.Repeat("a", 4000)}, Name: strings.Repeat("a", 96)},
		in:    unhex("01 8fa0", letters(4000), "60", letters(96)),
	},
}

var badNames = []badCase{
	{"33 fields", unhex("21", strings.Repeat("0161", 33), "00"), SessionProtocolViolation},
	{"count huge", unhex("ff ffffffffffffffff"), SessionProtocolViolation},
	{"empty field", unhex("02 01 61 00 00"), SessionProtocolViolation},
	{"field of 4097 bytes", unhex("01 9001", letters(4097), "00"), SessionProtocolViolation},
	{"field length huge", unhex("01 ff ffffffffffffffff"), SessionProtocolViolation},
	{"two fields of 4097 bytes", unhex("02 8800", letters(2048), "8801"), SessionProtocolViolation},
	{"name of 4097 bytes", unhex("00 9001", letters(4097)), SessionProtocolViolation},
	{"together 4097 bytes", unhex("01 8fa0", letters(4000), "61"), SessionProtocolViolation},
}

// badNameTexts must not parse as full track names (moqt-18 §1.5.1).
var badNameTexts = []string{
	"", "a", "a-b", // no track name
	"a--b--c", "a---b", "-a--b", "a---", // misplaced hyphens
	"a--.2E", ".FF--a", // upper case hex
	"a--.61", ".5f--a", // must be literal
	"a--.", "a--.2", ".2--a", "a--.zz", // not two digits
	"a b--c", "a--b/c", "é--a", "a.--b", // must be hex
	strings.Repeat("a-", 32) + "a--b", strings.Repeat("a", 4096) + "--b", // beyond the limits
}

// nameCases16 are those with a length that draft 16 writes otherwise.
var nameCases16 = []nameCase{
	nameCases[0], nameCases[1], nameCases[4], nameCases[5],
	{
		name: "4096 bytes", text: strings.Repeat("a", 4000) + "--" + strings.Repeat("a", 96),
		value: FullTrackName{Namespace: Namespace{strings.Repeat("a", 4000)}, Name: strings.Repeat("a", 96)},
		in:    unhex("01 4fa0", letters(4000), "4060", letters(96)),
	},
}

var badNames16 = []badCase{
	{"33 fields", unhex("21", strings.Repeat("0161", 33), "00"), SessionProtocolViolation},
	{"count huge", unhex("ffffffffffffffff"), SessionProtocolViolation},
	{"empty field", unhex("02 01 61 00 00"), SessionProtocolViolation},
	{"field of 4097 bytes", unhex("01 5001", letters(4097), "00"), SessionProtocolViolation},
	{"nothing", unhex("00 00"), SessionProtocolViolation}, // moqt-16 §2.4.1
	{"no namespace", unhex("00 01 61"), SessionProtocolViolation},
	{"name of 4096 bytes", unhex("01 01 61 5000", letters(4096)), SessionProtocolViolation},
	{"together 4097 bytes", unhex("01 4fa0", letters(4000), "4061"), SessionProtocolViolation},
}
