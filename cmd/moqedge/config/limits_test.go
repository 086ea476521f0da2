package config

import (
	"testing"

	"moqedge/relay/limit"
)

// What the tags say of defaults is what package limit does without being told anything.
func TestLimitDefaults(t *testing.T) {
	told, untold := limit.New(Config{}.Filled().Limits.Relay()), limit.New(limit.Config{})
	for s := limit.Global; s <= limit.PerSession; s++ {
		for k := limit.Sessions; k <= limit.CacheShare; k++ {
			if a, b := told.Limit(s, k), untold.Limit(s, k); a != b {
				t.Errorf("%v %v: %v is told, %v holds", s, k, a, b)
			}
		}
	}
}

func TestLimitTexts(t *testing.T) {
	for _, c := range []struct {
		text string
		into interface {
			UnmarshalText([]byte) error
			MarshalText() ([]byte, error)
		}
		want string // "" is an error
	}{
		{"unlimited", new(Count), "unlimited"}, {"-5", new(Count), "unlimited"}, {"12", new(Count), "12"}, {"1.5", new(Count), ""},
		{"0.5", new(Rate), "0.5"}, {"NaN", new(Rate), ""}, {"fast", new(Rate), ""},
		{"16MiB", new(ByteRate), "16MiB"}, {"-1", new(ByteRate), "unlimited"}, {"16Mbit", new(ByteRate), ""},
		{"8Mbit", new(Bitrate), "8Mbit"}, {"1500", new(Bitrate), "1500"}, {"2.5Gbit", new(Bitrate), "2500Mbit"}, {"8MB", new(Bitrate), ""},
		{"50%", new(Share), "50%"}, {"0.25", new(Share), "25%"}, {"101%", new(Share), ""}, {"unlimited", new(Share), "unlimited"},
	} {
		err := c.into.UnmarshalText([]byte(c.text))
		if c.want == "" {
			if err == nil {
				t.Errorf("%q is taken for a %T", c.text, c.into)
			}
			continue
		}
		if got, _ := c.into.MarshalText(); err != nil || string(got) != c.want {
			t.Errorf("%q is %q, %v, want %q", c.text, got, err, c.want)
		}
	}
}

func TestLimitsThatCanNotBe(t *testing.T) {
	for _, c := range []struct {
		limits Limits
		want   string
	}{
		{Limits{Session: SessionLimits{Streams: 5000}}, "limits.session.streams: 5000 is more than the 4096 that the transport allows"},
		{Limits{Token: TokenLimits{BytesInPerSecond: 10}}, "limits.token.bytesInPerSecond: 10 is not enough for anything: give 1000 or more"},
		{Limits{Address: AddressLimits{BitrateOut: 10}}, "limits.address.bitrateOut: 10 is not enough for anything: give 8000 or more"},
	} {
		if err := c.limits.validate(); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}
