package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"moqedge/relay/limit"
)

// Limits bound what peers may do and have, see [limits](limits.md). What is 0 or left out
// is the default, `unlimited` none.
type Limits struct {
	// Global is what holds for all sessions together.
	Global GlobalLimits `yaml:"global" reload:"live"`
	// Address is what holds for the sessions of an IPv4 address, or of a network of IPv6 (/64).
	Address AddressLimits `yaml:"address" reload:"live"`
	// Token is what holds for the sessions that show tokens of one subject.
	Token TokenLimits `yaml:"token" reload:"live"`
	// Session is what holds for each session.
	Session SessionLimits `yaml:"session" reload:"live"`
}

// GlobalLimits are those of all sessions together.
type GlobalLimits struct {
	// Sessions is how many there may be at a time.
	Sessions Count `yaml:"sessions" reload:"live" default:"100000"`
	// HandshakesPerSecond is how many connections may begin; beyond a quarter of it,
	// clients have to show that they are at their address.
	HandshakesPerSecond Rate `yaml:"handshakesPerSecond" reload:"live" without:"250 for each processor"`
	// RequestsPerSecond is how many requests may come; faster ones wait, for up to 5 s.
	RequestsPerSecond Rate `yaml:"requestsPerSecond" reload:"live" default:"10000"`
	// Subscriptions is how many requests there may be at a time that last, other than
	// announced namespaces.
	Subscriptions Count `yaml:"subscriptions" reload:"live" default:"unlimited"`
	// Namespaces is how many may be announced at a time.
	Namespaces Count `yaml:"namespaces" reload:"live" default:"1000000"`
	// Streams is how many with data may come in at a time.
	Streams Count `yaml:"streams" reload:"live" default:"unlimited"`
	// BytesInPerSecond is how much of objects may come in.
	BytesInPerSecond ByteRate `yaml:"bytesInPerSecond" reload:"live" default:"unlimited"`
	// BitrateOut is how fast objects may go out.
	BitrateOut Bitrate `yaml:"bitrateOut" reload:"live" default:"unlimited"`
}

// AddressLimits are those of an address.
type AddressLimits struct {
	// Sessions is how many there may be at a time.
	Sessions Count `yaml:"sessions" reload:"live" default:"4096"`
	// HandshakesPerSecond is how many connections may begin.
	HandshakesPerSecond Rate `yaml:"handshakesPerSecond" reload:"live" default:"200"`
	// RequestsPerSecond is how many requests may come; faster ones wait, for up to 5 s.
	RequestsPerSecond Rate `yaml:"requestsPerSecond" reload:"live" default:"4000"`
	// Subscriptions is how many requests there may be at a time that last, other than
	// announced namespaces.
	Subscriptions Count `yaml:"subscriptions" reload:"live" default:"32768"`
	// Namespaces is how many may be announced at a time.
	Namespaces Count `yaml:"namespaces" reload:"live" default:"20000"`
	// Streams is how many with data may come in at a time.
	Streams Count `yaml:"streams" reload:"live" default:"16384"`
	// BytesInPerSecond is how much of objects may come in: who sends more is held up.
	BytesInPerSecond ByteRate `yaml:"bytesInPerSecond" reload:"live" default:"128MiB"`
	// BitrateOut is how fast objects may go out.
	BitrateOut Bitrate `yaml:"bitrateOut" reload:"live" default:"unlimited"`
	// CacheShare is how much of retention.cacheBytes what is published without a token
	// may keep when there is no room.
	CacheShare Share `yaml:"cacheShare" reload:"live" default:"50%"`
}

// TokenLimits are those of the tokens of a subject.
type TokenLimits struct {
	// Sessions is how many there may be at a time.
	Sessions Count `yaml:"sessions" reload:"live" default:"unlimited"`
	// RequestsPerSecond is how many requests may come; faster ones wait, for up to 5 s.
	RequestsPerSecond Rate `yaml:"requestsPerSecond" reload:"live" default:"unlimited"`
	// Subscriptions is how many requests there may be at a time that last, other than
	// announced namespaces.
	Subscriptions Count `yaml:"subscriptions" reload:"live" default:"unlimited"`
	// Namespaces is how many may be announced at a time.
	Namespaces Count `yaml:"namespaces" reload:"live" default:"unlimited"`
	// Streams is how many with data may come in at a time.
	Streams Count `yaml:"streams" reload:"live" default:"unlimited"`
	// BytesInPerSecond is how much of objects may come in: who sends more is held up.
	BytesInPerSecond ByteRate `yaml:"bytesInPerSecond" reload:"live" default:"unlimited"`
	// BitrateOut is how fast objects may go out.
	BitrateOut Bitrate `yaml:"bitrateOut" reload:"live" default:"unlimited"`
	// CacheShare is how much of retention.cacheBytes what is published with it may
	// keep when there is no room.
	CacheShare Share `yaml:"cacheShare" reload:"live" default:"50%"`
}

// SessionLimits are those of each session.
type SessionLimits struct {
	// RequestsPerSecond is how many requests may come; faster ones wait, for up to 5 s.
	RequestsPerSecond Rate `yaml:"requestsPerSecond" reload:"live" default:"2000"`
	// Subscriptions is how many requests there may be at a time that last, other than
	// announced namespaces.
	Subscriptions Count `yaml:"subscriptions" reload:"live" default:"1024"`
	// Namespaces is how many may be announced at a time.
	Namespaces Count `yaml:"namespaces" reload:"live" default:"10000"`
	// Streams is how many with data may come in at a time; the transport allows no more than 4096.
	Streams Count `yaml:"streams" reload:"live" default:"4096"`
	// BytesInPerSecond is how much of objects may come in: who sends more is held up.
	BytesInPerSecond ByteRate `yaml:"bytesInPerSecond" reload:"live" default:"64MiB"`
	// BitrateOut is how fast objects may go out.
	BitrateOut Bitrate `yaml:"bitrateOut" reload:"live" default:"unlimited"`
}

// Relay is l in the terms of the relay.
func (l Limits) Relay() limit.Config {
	return limit.Config{
		Global: limit.Limits{
			Sessions: int(l.Global.Sessions), Handshakes: float64(l.Global.HandshakesPerSecond), Requests: float64(l.Global.RequestsPerSecond),
			Subscriptions: int(l.Global.Subscriptions), Namespaces: int(l.Global.Namespaces), Streams: int(l.Global.Streams),
			BytesIn: int64(l.Global.BytesInPerSecond), BitrateOut: int64(l.Global.BitrateOut),
		},
		Address: limit.Limits{
			Sessions: int(l.Address.Sessions), Handshakes: float64(l.Address.HandshakesPerSecond), Requests: float64(l.Address.RequestsPerSecond),
			Subscriptions: int(l.Address.Subscriptions), Namespaces: int(l.Address.Namespaces), Streams: int(l.Address.Streams),
			BytesIn: int64(l.Address.BytesInPerSecond), BitrateOut: int64(l.Address.BitrateOut), CacheShare: float64(l.Address.CacheShare),
		},
		Token: limit.Limits{
			Sessions: int(l.Token.Sessions), Requests: float64(l.Token.RequestsPerSecond),
			Subscriptions: int(l.Token.Subscriptions), Namespaces: int(l.Token.Namespaces), Streams: int(l.Token.Streams),
			BytesIn: int64(l.Token.BytesInPerSecond), BitrateOut: int64(l.Token.BitrateOut), CacheShare: float64(l.Token.CacheShare),
		},
		Session: limit.Limits{
			Requests: float64(l.Session.RequestsPerSecond), Subscriptions: int(l.Session.Subscriptions), Namespaces: int(l.Session.Namespaces),
			Streams: int(l.Session.Streams), BytesIn: int64(l.Session.BytesInPerSecond), BitrateOut: int64(l.Session.BitrateOut),
		},
	}
}

func (l Limits) validate() error {
	var f findings
	f.note(l.Session.Streams > 4096, "limits.session.streams: %d is more than the 4096 that the transport allows", l.Session.Streams)
	for _, of := range []struct {
		scope string
		in    ByteRate
		out   Bitrate
	}{
		{"global", l.Global.BytesInPerSecond, l.Global.BitrateOut}, {"address", l.Address.BytesInPerSecond, l.Address.BitrateOut},
		{"token", l.Token.BytesInPerSecond, l.Token.BitrateOut}, {"session", l.Session.BytesInPerSecond, l.Session.BitrateOut},
	} {
		f.note(of.in > 0 && of.in < leastByteRate, "limits.%s.bytesInPerSecond: %d is not enough for anything: give %d or more", of.scope, of.in, leastByteRate)
		f.note(of.out > 0 && of.out < 8*leastByteRate, "limits.%s.bitrateOut: %d is not enough for anything: give %d or more", of.scope, of.out, 8*leastByteRate)
	}
	return f.found()
}

// leastByteRate is the lowest rate that can be asked for, in bytes per second: sound.
const leastByteRate = 1000

// unlimited is how no limit is written.
const unlimited = "unlimited"

// parseLimit reads a limit: unlimited, which is limit.Unlimited, or what parse reads.
func parseLimit[T ~int | ~int64 | ~float64](text, what string, parse func(string) (float64, error)) (T, error) {
	text = strings.TrimSpace(text)
	if text == unlimited {
		return T(limit.Unlimited), nil
	}
	n, err := parse(text)
	if err != nil || math.IsNaN(n) || n >= math.MaxInt64 {
		return 0, fmt.Errorf("%q is not %s, or unlimited", text, what)
	}
	return T(max(n, limit.Unlimited)), nil
}

func decimal(text string) (float64, error) { return strconv.ParseFloat(text, 64) }

// Count is how many there may be of something; less than 0 is as many as one likes.
type Count int

// UnmarshalText reads a number.
func (c *Count) UnmarshalText(text []byte) (err error) {
	*c, err = parseLimit[Count](string(text), "a number such as 1000", func(s string) (float64, error) {
		n, err := strconv.ParseInt(s, 10, 64)
		return float64(n), err
	})
	return err
}

// MarshalText writes it as it is read.
func (c Count) MarshalText() ([]byte, error) {
	if c < 0 {
		return []byte(unlimited), nil
	}
	return fmt.Append(nil, int(c)), nil
}

// Rate is how many there may be in a second; less than 0 is as many as one likes.
type Rate float64

// UnmarshalText reads a number.
func (r *Rate) UnmarshalText(text []byte) (err error) {
	*r, err = parseLimit[Rate](string(text), "a number such as 100", decimal)
	return err
}

// MarshalText writes it as it is read.
func (r Rate) MarshalText() ([]byte, error) {
	if r < 0 {
		return []byte(unlimited), nil
	}
	return []byte(strconv.FormatFloat(float64(r), 'f', -1, 64)), nil
}

// ByteRate is in bytes per second, written as a size; less than 0 is as many as one likes.
type ByteRate int64

// UnmarshalText reads a size.
func (r *ByteRate) UnmarshalText(text []byte) (err error) {
	*r, err = parseLimit[ByteRate](string(text), "a size such as 16MiB", func(s string) (float64, error) {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return float64(n), nil
		}
		n, err := ParseSize(s)
		return float64(n), err
	})
	return err
}

// MarshalText writes it as it is read.
func (r ByteRate) MarshalText() ([]byte, error) {
	if r < 0 {
		return []byte(unlimited), nil
	}
	return Size(r).MarshalText()
}

// Bitrate is in bits per second; less than 0 is as many as one likes.
type Bitrate int64

var bitrates = [...]struct {
	name string
	bits float64
}{{"Gbit", 1e9}, {"Mbit", 1e6}, {"kbit", 1e3}, {"", 1}}

// UnmarshalText reads a number with a unit, as 8Mbit, or one alone.
func (r *Bitrate) UnmarshalText(text []byte) (err error) {
	*r, err = parseLimit[Bitrate](string(text), "a bit rate such as 8Mbit", func(s string) (float64, error) {
		for _, u := range bitrates {
			if number, found := strings.CutSuffix(s, u.name); found {
				n, err := decimal(strings.TrimSpace(number))
				return n * u.bits, err
			}
		}
		return 0, strconv.ErrSyntax
	})
	return err
}

// MarshalText writes it with the largest unit that it is a multiple of.
func (r Bitrate) MarshalText() ([]byte, error) {
	if r < 0 {
		return []byte(unlimited), nil
	}
	for _, u := range bitrates {
		if unit := Bitrate(u.bits); r > 0 && r%unit == 0 {
			return fmt.Appendf(nil, "%d%s", r/unit, u.name), nil
		}
	}
	return []byte("0"), nil
}

// Share is a part of something, 0 to 1; less than 0 is all of it.
type Share float64

// UnmarshalText reads a percentage, as 50%, or a part of 1, as 0.5.
func (s *Share) UnmarshalText(text []byte) (err error) {
	const what = "a share such as 50% or 0.5"
	*s, err = parseLimit[Share](string(text), what, func(t string) (float64, error) {
		number, percent := strings.CutSuffix(t, "%")
		n, err := decimal(strings.TrimSpace(number))
		if percent {
			n /= 100
		}
		return n, err
	})
	if err == nil && *s > 1 {
		err = fmt.Errorf("%q is not %s, or unlimited", text, what)
	}
	return err
}

// MarshalText writes it as a percentage.
func (s Share) MarshalText() ([]byte, error) {
	if s < 0 {
		return []byte(unlimited), nil
	}
	return []byte(strconv.FormatFloat(math.Round(float64(s)*1e8)/1e6, 'f', -1, 64) + "%"), nil
}
