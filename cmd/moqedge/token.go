package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"moqedge/cmd/moqedge/names"
	"moqedge/relay/auth"
	"moqedge/relay/auth/cat"
	"moqedge/relay/auth/token"
)

type tokenCommand struct {
	Issue   tokenIssueCommand   `cmd:"" help:"Issue a token for a viewer or a publisher."`
	Inspect tokenInspectCommand `cmd:"" help:"Tell what a token says, and whether a key has signed it."`
	Keygen  tokenKeygenCommand  `cmd:"" help:"Make a key for tokens, and let relays know it."`
}

type tokenIssueCommand struct {
	Key      string        `required:"" placeholder:"FILE" help:"Private key or secret to sign with: a JSON Web Key, PEM, or a secret of 32 bytes or more."`
	Root     string        `placeholder:"PATH" help:"What --get and --put are below. (default: everything)"`
	Get      []string      `placeholder:"PATH" sep:"none" help:"Namespaces that may be read: a prefix, fields separated by slashes; \"\" is all of the root. May be repeated."`
	Put      []string      `placeholder:"PATH" sep:"none" help:"Namespaces that may be published, likewise."`
	Watch    []string      `placeholder:"NAME" sep:"none" help:"A publication of SRT or WHIP that may be watched; without --root."`
	Ingest   []string      `placeholder:"NAME" sep:"none" help:"A name that may be published under by SRT or WHIP; without --root."`
	Expires  time.Duration `default:"1h" placeholder:"TIME" help:"How long it is good; 0 is for ever. (default: 1h)"`
	Subject  string        `placeholder:"TEXT" help:"Whom it is for; shown in logs."`
	ID       string        `name:"id" placeholder:"TEXT" help:"Its own name (jti)."`
	Audience []string      `placeholder:"TEXT" help:"Where it is good, when relays ask for that."`
	Issuer   string        `placeholder:"TEXT" help:"Who says so, when relays ask for that."`
	CAT      bool          `name:"cat" help:"Make a Common Access Token; the key is a secret."`
	JSON     bool          `name:"json" help:"Print the token and what it says as JSON."`
}

// Help implements kong.HelpProvider.
func (tokenIssueCommand) Help() string {
	return `The token goes into the URL of a relay or page (?jwt=TOKEN), into the header of WHIP
(Authorization: Bearer TOKEN), or into the stream id of SRT (#!::m=publish,r=NAME,t=TOKEN).

Examples:

  moqedge token issue --key private.jwk --watch cam1 --expires 2h

  moqedge token issue --key private.jwk --root sport --get live --put live/studio-1 --subject anna --json`
}

// Run prints the token.
func (c tokenIssueCommand) Run(e *environment) error {
	key, err := signingKey(c.Key)
	if err != nil {
		return err
	}
	claims, err := c.claims(time.Now())
	if err != nil {
		return err
	}
	if c.CAT {
		text, said, err := issueCAT(key, claims)
		if err != nil {
			return err
		}
		if c.JSON {
			return e.console.JSON(struct {
				Token  string    `json:"token"`
				Claims cat.Shown `json:"claims"`
			}{text, said.Claims})
		}
		e.console.Line(text)
		return nil
	}
	text, err := token.Issue(key, claims)
	if err != nil {
		return err
	}
	if c.JSON {
		return e.console.JSON(struct {
			Token  string       `json:"token"`
			Claims token.Claims `json:"claims"`
		}{text, claims})
	}
	e.console.Line(text)
	return nil
}

func (c tokenIssueCommand) claims(now time.Time) (token.Claims, error) {
	claims := token.Claims{Root: c.Root, Get: c.Get, Put: c.Put}
	if c.Root != "" && len(c.Watch)+len(c.Ingest) > 0 {
		return claims, &exitError{exitUsage, errors.New("--watch and --ingest name publications, which are below no --root")}
	}
	for _, name := range c.Watch {
		claims.Get = append(claims.Get, name+".loc", name+".msf")
	}
	claims.Put = append(claims.Put, c.Ingest...)
	for _, path := range append(append([]string{c.Root}, claims.Get...), claims.Put...) {
		if strings.Contains(path, "%") {
			return claims, &exitError{exitUsage, fmt.Errorf("path %q: tokens have no way to write what a %% stands for: fields are as they are, without slashes in them", path)}
		}
		if _, err := names.ParseNamespace(strings.Trim(path, "/")); err != nil {
			return claims, &exitError{exitUsage, err}
		}
	}
	switch {
	case len(claims.Get)+len(claims.Put) == 0:
		return claims, &exitError{exitUsage, errors.New("it would grant nothing: give --get, --put, --watch or --ingest")}
	case c.Expires < 0:
		return claims, &exitError{exitUsage, errors.New("--expires: must not be negative")}
	}
	claims.RegisteredClaims = jwt.RegisteredClaims{Subject: c.Subject, ID: c.ID, Audience: c.Audience, Issuer: c.Issuer, IssuedAt: jwt.NewNumericDate(now)}
	if c.Expires > 0 {
		claims.ExpiresAt = jwt.NewNumericDate(now.Add(c.Expires))
	}
	return claims, nil
}

// readKeys reads what tokens are signed or verified with.
func readKeys(file string) ([]token.Key, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	keys, err := token.ParseKeys(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return keys, nil
}

// signingKey is the last key of a file that signs: of a set that is rotated, the newest.
func signingKey(file string) (token.Key, error) {
	keys, err := readKeys(file)
	if err != nil {
		return token.Key{}, err
	}
	for i := len(keys) - 1; i >= 0; i-- {
		if keys[i].Signs() {
			return keys[i], nil
		}
	}
	return token.Key{}, fmt.Errorf("%s: it verifies only: signing needs the private key", file)
}

type tokenInspectCommand struct {
	Token string `arg:"" help:"The token, or - to read it from stdin."`
	Key   string `placeholder:"FILE" help:"Keys to verify it with; the exit code is 1 when none of them signed it, or it is not in force."`
	JSON  bool   `name:"json" help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (tokenInspectCommand) Help() string {
	return `Without --key what the token says is shown, and not believed.

Examples:

  moqedge token inspect eyJhbGciOiJIUzI1NiJ9.eyJnZXQiOiIifQ.c2ln --key keys.json

  moqedge token inspect - --json`
}

// Run prints what the token says.
func (c tokenInspectCommand) Run(e *environment) error {
	text := c.Token
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(e.in, 64<<10))
		if err != nil {
			return err
		}
		text = string(bytes.TrimSpace(b))
	}
	var keys []token.Key
	if c.Key != "" {
		var err error
		if keys, err = readKeys(c.Key); err != nil {
			return err
		}
	}
	if got, err := inspectCAT(text, keys); !errors.Is(err, auth.ErrNotMine) {
		if err == nil {
			err = e.console.JSON(got) // what may be in it is no table
		}
		if err == nil && c.Key != "" && (!*got.Signed || got.Trouble != "") {
			err = &exitError{code: exitFailure}
		}
		return err
	}
	got, err := token.Inspect(text, keys, time.Now())
	if err != nil {
		return err
	}
	if c.JSON {
		if err := e.console.JSON(got); err != nil {
			return err
		}
	} else {
		e.console.Line(describe(got))
	}
	if c.Key != "" && (!*got.Signed || got.Trouble != "") {
		return &exitError{code: exitFailure}
	}
	return nil
}

// describe is an inspection for people.
func describe(i token.Inspection) string {
	var b strings.Builder
	line := func(key, format string, args ...any) {
		fmt.Fprintf(&b, "%-11s %s\n", key, fmt.Sprintf(format, args...))
	}
	line("algorithm", "%q", i.Header["alg"])
	if id, ok := i.Header["kid"]; ok {
		line("key", "%q", id)
	}
	c := i.Claims
	if c.Subject != "" {
		line("subject", "%q", c.Subject)
	}
	if c.Issuer != "" {
		line("issuer", "%q", c.Issuer)
	}
	if len(c.Audience) > 0 {
		line("audience", "%q", c.Audience)
	}
	scope := c.Scope()
	for _, ns := range scope.Get {
		line("may read", "%s", below(names.Namespace(ns)))
	}
	for _, ns := range scope.Put {
		line("may publish", "%s", below(names.Namespace(ns)))
	}
	if c.NotBefore != nil {
		line("not before", "%s", c.NotBefore.UTC().Format(time.RFC3339))
	}
	if c.ExpiresAt != nil {
		line("expires", "%s", c.ExpiresAt.UTC().Format(time.RFC3339))
	} else {
		line("expires", "never")
	}
	switch {
	case i.Signed == nil:
		line("signature", "not looked at: give --key")
	case *i.Signed:
		line("signature", "right, by key %q", i.Key)
	default:
		line("signature", "wrong: none of the keys made it")
	}
	if i.Trouble != "" {
		line("trouble", "%s", i.Trouble)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// below names a namespace and all that begins with it.
func below(path string) string {
	if path == "" {
		return "everything"
	}
	return path + ", and below"
}

type tokenKeygenCommand struct {
	Algorithm string `default:"ES256" placeholder:"NAME" help:"HS256, RS256, ES256, EdDSA, or one of their longer kin such as PS512. (default: ES256)"`
	Out       string `required:"" placeholder:"FILE" help:"File of the new private key or secret, which must not be there yet."`
	Public    string `placeholder:"FILE" help:"Key set for relays (access.jwt.keys): the public key is added, those that are there stay good. Of a secret it is the secret."`
	JSON      bool   `name:"json" help:"Print JSON."`
}

// Help implements kong.HelpProvider.
func (tokenKeygenCommand) Help() string {
	return `Relays read a key set again when it changes. To take a new key: make it with --public, sign with it,
and delete the old one from the set when its last token has expired.

Examples:

  moqedge token keygen --out private.jwk --public keys.json

  moqedge token keygen --algorithm EdDSA --out private-2.jwk --public keys.json --json`
}

// Run writes the files.
func (c tokenKeygenCommand) Run(e *environment) error {
	key, err := token.Generate(c.Algorithm)
	if err != nil {
		return &exitError{exitUsage, err}
	}
	private, err := json.MarshalIndent(key, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.Out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(private, '\n'))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if c.Public != "" {
		if err := addKey(c.Public, key); err != nil {
			return err
		}
	}
	if c.JSON {
		return e.console.JSON(struct {
			ID        string `json:"kid"`
			Algorithm string `json:"alg"`
			Out       string `json:"out"`
			Public    string `json:"public,omitempty"`
		}{key.ID, key.Algorithm, c.Out, c.Public})
	}
	e.console.Line(fmt.Sprintf("key %s (%s) is in %s: keep it secret", key.ID, key.Algorithm, c.Out))
	if c.Public != "" {
		e.console.Line("relays know it by " + c.Public)
	}
	return nil
}

// addKey adds the public part of a key to a set, whole or not at all: relays read it. A
// set that is there keeps its mode, unless a secret comes into it.
func addKey(file string, key token.Key) error {
	if target, err := filepath.EvalSymlinks(file); err == nil {
		file = target // the link stays
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(file); err == nil {
		mode = info.Mode().Perm()
	}
	if public, err := key.Public(); err == nil {
		key = public
	} else {
		mode &= 0o600
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	old, err := os.ReadFile(file)
	if err == nil {
		if err = json.Unmarshal(old, &set); err != nil || set.Keys == nil {
			return fmt.Errorf("%s: it is no JSON Web Key Set to add to", file)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	raw, err := json.Marshal(key)
	if err != nil {
		return err
	}
	set.Keys = append(set.Keys, raw)
	text, err := json.MarshalIndent(set, "", "  ")
	if err != nil {
		return err
	}
	made, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(made.Name()) // of one that was moved there is nothing left
	_, err = made.Write(append(text, '\n'))
	if err = errors.Join(err, made.Chmod(mode), made.Close()); err != nil {
		return err
	}
	return os.Rename(made.Name(), file)
}
