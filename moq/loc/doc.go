// Package loc packages coded media as the Low Overhead Media Container
// (draft-ietf-moq-loc, text of 2026-07-20): the payload of an object is what
// WebCodecs calls the internal data of a chunk, its properties say when it is
// shown and how the decoder is configured.
//
// It knows neither tracks and groups nor what a codec's configuration means.
// Start reading at Header.
package loc
