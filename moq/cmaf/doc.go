// Package cmaf packages coded media as CMAF for MOQT (draft-ietf-moq-cmsf): an
// initialization header per track, then one moof and mdat box per object, each
// with one sample.
//
// It knows neither tracks and groups nor what a codec's configuration means.
// Start reading at AppendFragmentHeader; the headers are in init.go.
package cmaf
