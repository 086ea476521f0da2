// Package msf writes and reads the catalog of the MOQT Streaming Format
// (draft-ietf-moq-msf, text of 2026-08-04), which tells a subscriber which
// tracks a publication has.
//
// It knows neither MOQT messages nor codecs: a catalog is a JSON document, the
// payload of an object. Start reading at Catalog.
package msf
