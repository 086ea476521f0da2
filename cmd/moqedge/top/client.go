package top

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"moqedge/relay/admin"
)

// maxAnswer bounds what is read of one answer.
const maxAnswer = 16 << 20

// Client asks the admin API of a node.
type Client struct {
	URL   string // of the admin address
	Token string // "" is none
	HTTP  *http.Client
}

// Snapshot is what a node said at a time. Of sessions it has the eldest thousand.
type Snapshot struct {
	admin.Overview
	Sessions admin.Sessions `json:"sessions"`
}

// Read asks once.
func (c Client) Read(ctx context.Context) (s Snapshot, err error) {
	if err := c.get(ctx, "/overview?limit=1000", &s.Overview); err != nil {
		return s, err
	}
	return s, c.get(ctx, "/sessions?limit=1000", &s.Sessions)
}

func (c Client) get(ctx context.Context, path string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(c.URL, "/")+path, nil)
	if err != nil {
		return err
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	rsp, err := c.HTTP.Do(r)
	if asked, is := errors.AsType[*url.Error](err); is {
		err = asked.Err // without the URL, which is known and hides the end of the line
	}
	if err != nil {
		return err
	}
	defer rsp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(rsp.Body, maxAnswer))
	if err != nil {
		return err
	}
	if rsp.StatusCode != http.StatusOK {
		var f admin.Failure
		if json.Unmarshal(body, &f) == nil && f.Error != "" {
			return fmt.Errorf("%s: %.200q", rsp.Status, f.Error)
		}
		return fmt.Errorf("%s of %s: is this the admin address?", rsp.Status, c.URL)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s is no answer of an admin address: %w", c.URL+path, err)
	}
	return nil
}
