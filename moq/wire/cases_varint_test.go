package wire

// varintCase is a vi64; the first ones are the table of moqt-18 §1.4.1.
type varintCase struct {
	in         string
	value      uint64
	decodeOnly bool
}

var varintCases = []varintCase{
	{in: "25", value: 37},
	{in: "8025", value: 37, decodeOnly: true},
	{in: "bbbd", value: 15293},
	{in: "ed7f3e7d", value: 226442877},
	{in: "faa1a0e403d8", value: 2893212287960},
	{in: "fc8998abc66bc0", value: 151288809941952},
	{in: "fefa318fa8e3ca11", value: 70423237261249041},
	{in: "ffffffffffffffffff", value: 18446744073709551615},
	{in: "00", value: 0},
	{in: "7f", value: 127},
	{in: "8080", value: 128},
	{in: "bfff", value: 16383},
	{in: "c04000", value: 16384},
	{in: "dfffff", value: 2097151},
	{in: "e0200000", value: 2097152},
	{in: "efffffff", value: 268435455},
	{in: "f010000000", value: 268435456},
	{in: "f7ffffffff", value: 34359738367},
	{in: "f80800000000", value: 34359738368},
	{in: "fbffffffffff", value: 4398046511103},
	{in: "fc040000000000", value: 4398046511104},
	{in: "fdffffffffffff", value: 562949953421311},
	{in: "fe02000000000000", value: 562949953421312},
	{in: "feffffffffffffff", value: 72057594037927935},
	{in: "ff0100000000000000", value: 72057594037927936},
	{in: "8000", value: 0, decodeOnly: true},
	{in: "c00000", value: 0, decodeOnly: true},
	{in: "ff0000000000000000", value: 0, decodeOnly: true},
	{in: "fe00000000000001", value: 1, decodeOnly: true},
}

// quicVarintCases are integers of draft 16; the first ones are the examples of
// RFC 9000 §A.1.
var quicVarintCases = []varintCase{
	{in: "c2197c5eff14e88c", value: 151288809941952652},
	{in: "9d7f3e7d", value: 494878333},
	{in: "7bbd", value: 15293},
	{in: "25", value: 37},
	{in: "4025", value: 37, decodeOnly: true},
	{in: "00", value: 0},
	{in: "3f", value: 63},
	{in: "4040", value: 64},
	{in: "7fff", value: 16383},
	{in: "80004000", value: 16384},
	{in: "bfffffff", value: 1073741823},
	{in: "c000000040000000", value: 1073741824},
	{in: "ffffffffffffffff", value: 4611686018427387903},
	{in: "4000", value: 0, decodeOnly: true},
	{in: "80000000", value: 0, decodeOnly: true},
	{in: "c000000000000001", value: 1, decodeOnly: true},
}

var (
	cutVarints   = []string{"", "80", "c000", "fe000000000000", "ffffffffffffffff"}
	cutVarints16 = []string{"", "40", "800000", "c0000000000000"}
)
