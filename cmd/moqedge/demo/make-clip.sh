#!/bin/sh
# Makes clip.mp4, the demo publication. Needs ffmpeg with libx264, drawtext and
# a font that fontconfig finds as "monospace". The clip is described in
# ../../../bridge/file/doc.go; this is the part that readers of its pixels need:
#
#   640x360, 30 frames per second, 300 frames, a key frame every 30 frames.
#   Frame n is shown at n/30 s; played in a loop aligned to UTC, the frame
#   number / 30 is UTC seconds modulo 10.
#
#   Binary clock: a row of 16 cells of 32x32 pixels without gaps.
#   Cell i covers x = 64+32*i .. 95+32*i, y = 16 .. 47.
#   Cell 0 is always white (reference), cell 1 always black (reference).
#   Cells 2..15 are the frame number 0..299 as a 14-bit Gray code, most
#   significant bit first, white = 1; cells 2..6 are therefore always black.
#   Sample the middle 16x16 pixels of a cell and compare with the mean of the
#   two references. Decode: n = g; while (g >>= 1) n ^= g.
#
#   Sound: 48 kHz stereo, a soft 440 Hz tone that fades out and in around the
#   loop, and a 1 kHz beep of 80 ms at the start of every second.
set -eu
cd "$(dirname "$0")"
out=${1:-clip.mp4}

# The band behind the clock and the two reference cells.
picture="drawbox=x=0:y=0:w=640:h=64:color=0x303030:t=fill"
picture="$picture,drawbox=x=64:y=16:w=32:h=32:color=white:t=fill"
picture="$picture,drawbox=x=96:y=16:w=480:h=32:color=black:t=fill"

# Bit b of the Gray code of n is bit b of n differing from bit b+1. The top five
# of the 14 cells stay black: 299 has 9 bits.
bit=8
while [ "$bit" -ge 0 ]; do
	x=$((96 + 32 * (14 - bit)))
	low=$((1 << bit))
	high=$((1 << (bit + 1)))
	picture="$picture,drawbox=x=$x:y=16:w=32:h=32:color=white:t=fill:enable='mod(floor(n/$low)+floor(n/$high),2)'"
	bit=$((bit - 1))
done

text="font=monospace:fontcolor=white:box=1:boxcolor=black@0.75:boxborderw=12"
picture="$picture,drawtext=$text:fontsize=96:x=(w-tw)/2:y=112:text='%{eif\:n\:d\:3}'"
picture="$picture,drawtext=$text:fontsize=40:x=(w-tw)/2:y=248:text='%{eif\:floor(n/30)\:d}.%{eif\:floor(mod(n,30)*100/30)\:d\:2} s'"

tone="0.06*sin(2*PI*440*t)*min(1,min(t,10-t)/0.15)"
beep="if(lt(mod(t,1),0.08),0.22*sin(2*PI*1000*t)*pow(sin(PI*mod(t,1)/0.08),2))"

ffmpeg -v error -y \
	-f lavfi -i "testsrc2=size=640x360:rate=30:duration=10" \
	-f lavfi -i "aevalsrc=exprs='$tone+$beep|$tone+$beep':sample_rate=48000:duration=10" \
	-vf "$picture,format=yuv420p" -map 0:v -map 1:a \
	-c:v libx264 -profile:v main -level 3.0 -preset veryslow -threads 1 \
	-g 30 -keyint_min 30 -sc_threshold 0 -bf 0 -b:v 700k -maxrate 900k -bufsize 900k \
	-c:a aac -b:a 96k -ac 2 \
	-map_metadata -1 -fflags +bitexact -flags:v +bitexact -flags:a +bitexact \
	-movflags +faststart "$out"
