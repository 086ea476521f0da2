package file

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"moqedge/bridge"
)

const (
	// late is how far playing may be behind before it jumps to the present: the
	// process was stopped, or the clock was set.
	late = 2 * time.Second
	// early is how much longer than the longest frame a wait may be before
	// playing follows a clock that was set back.
	early = 2 * time.Second
	// nap bounds a sleep, so that a change of the clock is noticed.
	nap = time.Second
)

// Play loads an MP4 file and publishes it under name in a loop until ctx ends
// (then it returns nil) or the broadcast does (then it returns why). It reads
// src before it publishes and not afterwards. log may be nil.
func Play(ctx context.Context, hub *bridge.Hub, name string, src io.ReadSeeker, log *slog.Logger) error {
	clip, err := Load(src)
	if err != nil {
		return err
	}
	return clip.Play(ctx, hub, name, log)
}

// Play publishes the clip under name in a loop until ctx ends or the broadcast
// does, as the function Play.
func (c *Clip) Play(ctx context.Context, hub *bridge.Hub, name string, log *slog.Logger) error {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if len(c.Skipped) > 0 {
		log.Warn("parts of the file are not played", "name", name, "skipped", strings.Join(c.Skipped, ", "))
	}
	b, err := hub.Publish(name, bridge.Ingest{Protocol: "file", Remote: c.Title})
	if err != nil {
		return fmt.Errorf("file: %w", err)
	}
	defer b.Close(nil)
	p := player{clip: c, log: log}
	if len(c.video) > 0 {
		if p.video, err = b.AddVideo(bridge.VideoConfig{Codec: bridge.H264, ParameterSets: c.sets}); err != nil {
			return fmt.Errorf("file: video: %w", err)
		}
	}
	if len(c.audio.Frames) > 0 {
		if p.audio, err = b.AddAudio(bridge.AudioConfig{Codec: c.audio.Codec, SampleRate: c.audio.Rate, Channels: c.audio.Channels, ASC: c.audio.ASC}); err != nil {
			return fmt.Errorf("file: audio: %w", err)
		}
	}
	b.Ready()
	if err := p.run(ctx, b); err != nil {
		return fmt.Errorf("file: %w", err)
	}
	return nil
}

// player sends the frames of a clip when they are due.
type player struct {
	clip     *Clip
	video    *bridge.VideoTrack
	audio    *bridge.AudioTrack
	schedule *schedule
	log      *slog.Logger
}

func (p *player) run(ctx context.Context, b *bridge.Broadcast) error {
	p.schedule = newSchedule(p.clip, time.Now().UnixMicro())
	timer := time.NewTimer(0)
	defer timer.Stop()
	catchingUp := true // a schedule may begin as much as a group in the past
	for ctx.Err() == nil {
		due, isVideo := p.due()
		now := time.Now().UnixMicro()
		wait := time.Duration(due-now) * time.Microsecond
		switch {
		case wait > early+time.Duration(p.clip.longest)*time.Microsecond:
			p.log.Warn("the clock was set back, playing follows", "by_about", wait)
			p.schedule = newSchedule(p.clip, now)
			catchingUp = true
			continue
		case wait <= -late && !catchingUp:
			p.log.Warn("playing is late and goes on at the present", "by", -wait)
			p.schedule.skipTo(now)
			catchingUp = true
			continue
		case wait <= 0:
			if err := p.send(isVideo); err != nil {
				return err
			}
			continue
		}
		catchingUp = false
		timer.Reset(min(wait, nap))
		select {
		case <-timer.C:
		case <-ctx.Done():
		case <-b.Done():
			return b.Err()
		}
	}
	return nil
}

// due returns when the next frame is to be sent and of which track it is.
func (p *player) due() (at int64, isVideo bool) {
	video, hasVideo := p.schedule.videoDue()
	audio, hasAudio := p.schedule.audioDue()
	if hasVideo && (!hasAudio || video <= audio) {
		return video, true
	}
	return audio, false
}

func (p *player) send(isVideo bool) error {
	s := p.schedule
	if isVideo {
		picture, pts, dts := s.video()
		s.nextVideo()
		return p.video.Write(bridge.VideoUnit{PTS: pts, DTS: dts, Key: picture.Key, NALUs: picture.NALUs})
	}
	at := p.clip.slotTime(s.slot)
	s.slot++
	frame := p.clip.frameAt(at)
	if frame == nil {
		return nil
	}
	return p.audio.Write(bridge.AudioUnit{PTS: at, Frame: frame})
}
