// Package codec reads the little that packaging needs to know about coded
// media: parameter sets, codec strings, picture sizes and frame durations.
//
// It decodes no pictures or sound and knows nothing of containers or MOQT.
// Start reading at ParameterSets (H.264), then AACConfig.
package codec
