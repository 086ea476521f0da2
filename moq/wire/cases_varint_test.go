package wire

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
