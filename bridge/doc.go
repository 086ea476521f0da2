// Package bridge turns what an ingest receives (coded video and audio with a
// clock) into MOQT tracks: it owns the names, packages every frame twice (LOC
// and CMAF), writes the MSF catalogs and keeps tracks alive while a publisher
// reconnects.
//
// It must not know how media arrives (that is bridge/srt, bridge/whip,
// bridge/file) nor how tracks reach a network: it hands them to a Publisher.
//
// Start reading at Hub.Publish, then Broadcast, then VideoTrack.Write.
//
// # Tracks
//
// A publication NAME becomes two single-field namespaces, NAME.loc and NAME.msf
// (CMAF packaging), each with a track "catalog" and the same media tracks, for
// example video_720_avc and audio_aac. Objects of the two packagings have the
// same group and object ids.
//
// # Time
//
// All timestamps are microseconds since the Unix epoch: the wall clock of
// capture as well as the ingest can know it.
package bridge
