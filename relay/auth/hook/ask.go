package hook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"time"
	"unicode/utf8"

	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/auth"
)

// Question is what is posted, as JSON. What is no UTF-8 is written as {"base64": "..."}.
type Question struct {
	Verb string `json:"verb"` // of relay.Verb: "subscribe", "publish namespace", ...
	// Namespace are the fields of the namespace, or of the prefix that is asked for.
	Namespace []Text `json:"namespace"`
	Track     *Text  `json:"track,omitempty"` // where there is one
	// Remote is the address of who asks, "" when it is not known.
	Remote string `json:"remote"`
	// Path is that of the session's URL, with its query.
	Path   string  `json:"path,omitempty"`
	Tokens []Token `json:"tokens"`
}

// Token is one that was shown.
type Token struct {
	Type  uint64 `json:"type"`
	Value Text   `json:"value"`
}

// Text is bytes that are text most of the time.
type Text string

// MarshalJSON implements json.Marshaler.
func (t Text) MarshalJSON() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return json.Marshal(string(t))
	}
	return json.Marshal(map[string][]byte{"base64": []byte(t)})
}

// write is a question and what tells it apart from others.
func write(a auth.Ask, tokens []wire.Token) (body []byte, id key, err error) {
	q := Question{Verb: a.Verb.String(), Namespace: []Text{}, Path: a.Path, Tokens: []Token{}}
	for _, field := range a.Name.Namespace {
		q.Namespace = append(q.Namespace, Text(field))
	}
	switch a.Verb {
	case relay.VerbSubscribe, relay.VerbFetch, relay.VerbTrackStatus, relay.VerbPublish:
		track := Text(a.Name.Name)
		q.Track = &track
	case relay.VerbUpdate:
		if track := Text(a.Name.Name); track != "" {
			q.Track = &track
		}
	}
	if a.Remote.IsValid() {
		q.Remote = a.Remote.String()
	}
	for _, t := range tokens {
		q.Tokens = append(q.Tokens, Token{t.TokenType, Text(t.Value)})
	}
	body, err = json.Marshal(q)
	return body, sha256.Sum256(body), err
}

// answer is what the server said.
type answer struct {
	allow   bool
	reason  string
	subject string    // whose permission it is; "" when that is not said
	until   time.Time // when a permission ends; zero: not at a known time
	good    time.Time // how long the same question has this answer
}

// verdict is the answer in the terms of auth.Judge.
func (a answer) verdict() (relay.Verdict, error) {
	if !a.allow {
		return relay.Verdict{}, fmt.Errorf("%w: %.200q", auth.ErrScope, a.reason)
	}
	return relay.Verdict{Until: a.until, Subject: a.subject}, nil
}

// Bounds of an answer.
const (
	maxAnswer = 64 << 10 // bytes
	maxCache  = time.Hour
)

// post asks a server: 200 with allow, or 401 or 403, are answers; all else is none.
func post(ctx context.Context, client *http.Client, url string, body []byte, cache time.Duration) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if failed, ok := errors.AsType[*neturl.Error](err); ok {
		return answer{}, failed.Err // without the URL, which may hold a secret
	}
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return answer{}, err
	case len(said) > maxAnswer:
		return answer{}, fmt.Errorf("an answer of more than %d bytes", maxAnswer)
	}
	switch response.StatusCode {
	case http.StatusOK, http.StatusUnauthorized, http.StatusForbidden:
		return read(said, response.StatusCode == http.StatusOK, cache, time.Now())
	}
	return answer{}, fmt.Errorf("the server says %q", response.Status)
}

// read reads an answer. A refusal may be without a text that can be read.
func read(said []byte, ok bool, cache time.Duration, now time.Time) (answer, error) {
	var told struct {
		Allow  *bool      `json:"allow"`
		Reason string     `json:"reason"`
		Until  *time.Time `json:"until"`
		Cache  *string    `json:"cache"`
		Whose  string     `json:"subject"`
	}
	err := json.Unmarshal(said, &told)
	a := answer{allow: ok && err == nil && told.Allow != nil && *told.Allow, reason: told.Reason, subject: told.Whose}
	if ok && err == nil && told.Allow == nil {
		err = errors.New(`it has no "allow"`)
	}
	if err == nil && told.Cache != nil {
		if cache, err = time.ParseDuration(*told.Cache); err == nil && cache < 0 {
			err = errors.New(`"cache" is negative`)
		}
	}
	if err != nil && ok {
		return answer{}, fmt.Errorf("an answer that can not be read: %w", err)
	}
	if a.reason == "" {
		a.reason = "the operator's server refuses it"
	}
	a.good = now.Add(min(max(cache, 0), maxCache))
	if a.allow && told.Until != nil {
		a.until = *told.Until
		if a.until.Before(a.good) {
			a.good = a.until
		}
	}
	return a, nil
}
