package main

import (
	"context"
	"fmt"

	"moqedge/moq"
	"moqedge/moq/live"
)

// offer sends PUBLISH for each track.
func offer(ctx context.Context, s *moq.Session, tracks []*live.Track) error {
	for _, t := range tracks {
		if _, err := s.Publish(ctx, t, moq.PublishOptions{}); err != nil {
			return fmt.Errorf("offer %s: %w", t.Name(), err)
		}
	}
	return nil
}
