#!/bin/sh
# Makes clip.mp4: the pictures of the demo's clip as they are, with the clock that
# ../../cmd/moqedge/demo/make-clip.sh describes, and its sound as Opus, which
# WebRTC and MOQT both carry. Needs ffmpeg with libopus.
set -eu
cd "$(dirname "$0")"
ffmpeg -v error -y -i ../../cmd/moqedge/demo/clip.mp4 \
	-map 0:v -c:v copy -map 0:a -c:a libopus -b:a 64k -ac 2 -frame_duration 20 \
	-map_metadata -1 -fflags +bitexact -flags:a +bitexact -movflags +faststart "${1:-clip.mp4}"
