package cat

import (
	"errors"
	"strings"
	"testing"
	"time"

	"moqedge/moq/wire"
	"moqedge/relay"
	"moqedge/relay/auth"
	"moqedge/relay/auth/token"
)

// secret is the one of the test vectors of moq-c4m, Appendix A.
var secret = func() (b []byte) {
	for i := range byte(32) {
		b = append(b, i)
	}
	return b
}()

func keyOf(t *testing.T, secret []byte, id string) token.Key {
	t.Helper()
	keys, err := token.ParseKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	keys[0].ID = id
	return keys[0]
}

func full(name string, ns ...string) wire.FullTrackName {
	return wire.FullTrackName{Namespace: ns, Name: name}
}

func match(kind Kind, value string) *Match { return &Match{kind, value} }

func exactly(fields ...string) (all []Match) {
	for _, f := range fields {
		all = append(all, Match{Value: f})
	}
	return all
}

func permits(c *Claims, v relay.Verb, name wire.FullTrackName) bool {
	_, ok := c.Permits(auth.Ask{Verb: v, Name: name})
	return ok
}

// TestPermitsAndProhibits: the lists of moq-c4m, "Text examples of permissions", of
// tokens that were issued, and read again.
func TestPermitsAndProhibits(t *testing.T) {
	four := []Action{PublishNamespace, SubscribeNamespace, Publish, Fetch}
	com := exactly("example", "com")
	for _, c := range []struct {
		what                string
		scope               Scope
		permits, prohibits  []wire.FullTrackName
		verbs, withoutVerbs []relay.Verb
	}{
		{
			"exact", Scope{four, com, true, match(Exact, "/bob")},
			[]wire.FullTrackName{full("/bob", "example", "com")},
			[]wire.FullTrackName{
				full("", "example", "com"), full("/bob/123", "example", "com"), full("/alice", "example", "com"),
				full("/bob/logs", "example", "com"), full("/bob", "alternate", "example", "com"), full("", "12345"),
				full("com/bob", "example"), full("", "example", "com", "/bob"), full("/bob", "example", "com", ""),
			},
			[]relay.Verb{relay.VerbPublish, relay.VerbFetch}, []relay.Verb{relay.VerbSubscribe, relay.VerbTrackStatus, relay.VerbConnect, relay.VerbUpdate},
		},
		{
			"prefix of the track", Scope{four, com, true, match(Prefix, "/bob")},
			[]wire.FullTrackName{full("/bob", "example", "com"), full("/bob/123", "example", "com"), full("/bob/logs", "example", "com")},
			[]wire.FullTrackName{
				full("", "example", "com"), full("/alice", "example", "com"), full("/bob", "alternate", "example", "com"),
				full("", "12345"), full("com/bob", "example"),
			},
			[]relay.Verb{relay.VerbPublish, relay.VerbFetch}, []relay.Verb{relay.VerbSubscribe},
		},
		{
			"any length, exact track", Scope{four, com, false, match(Exact, "/bob")},
			[]wire.FullTrackName{full("/bob", "example", "com"), full("/bob", "example", "com", ""), full("/bob", "example", "com", "bob")},
			[]wire.FullTrackName{
				full("", "example", "com"), full("/bob/123", "example", "com"), full("/alice", "example", "com"), full("/bob/logs", "example", "com"),
				full("/bob", "alternate", "example", "com"), full("", "12345"), full("com/bob", "example"), full("", "example", "com", "/bob"),
			},
			[]relay.Verb{relay.VerbPublish, relay.VerbFetch}, nil,
		},
		{
			"any length, any track", Scope{four, com, false, nil},
			[]wire.FullTrackName{
				full("/bob", "example", "com"), full("/bob", "example", "com", ""), full("/bob", "example", "com", "bob"), full("", "example", "com"),
				full("/bob/123", "example", "com"), full("/alice", "example", "com"), full("/bob/logs", "example", "com"), full("", "example", "com", "/bob"),
			},
			[]wire.FullTrackName{full("/bob", "alternate", "example", "com"), full("", "12345"), full("com/bob", "example")},
			[]relay.Verb{relay.VerbPublish, relay.VerbFetch, relay.VerbPublishNamespace, relay.VerbSubscribeNamespace, relay.VerbSubscribeTracks, relay.VerbShow}, nil,
		},
		{
			"prefix of a field", Scope{four, []Match{{Value: "example"}, {Prefix, "user-"}}, true, match(Exact, "/data")},
			[]wire.FullTrackName{full("/data", "example", "user-alice"), full("/data", "example", "user-bob"), full("/data", "example", "user-")},
			[]wire.FullTrackName{
				full("/data", "example", "alice"), full("/data", "example", "user-alice", "extra"), full("/data", "example", "USER-alice"), full("/data", "example"),
			},
			[]relay.Verb{relay.VerbPublish, relay.VerbFetch}, nil,
		},
		{
			"suffix of the track", Scope{[]Action{Publish}, com, true, match(Suffix, ".json")},
			[]wire.FullTrackName{full("data.json", "example", "com"), full("/api/response.json", "example", "com"), full(".json", "example", "com")},
			[]wire.FullTrackName{full("data.xml", "example", "com"), full("json", "example", "com"), full("data.JSON", "example", "com"), full("data.json.bak", "example", "com")},
			[]relay.Verb{relay.VerbPublish}, []relay.Verb{relay.VerbFetch},
		},
		{
			"no names", Scope{Actions: []Action{ClientSetup, Subscribe}},
			[]wire.FullTrackName{full(""), full("x", "a"), full("", "b", "c")}, nil,
			[]relay.Verb{relay.VerbConnect, relay.VerbSubscribe}, []relay.Verb{relay.VerbPublish, relay.VerbUpdate},
		},
	} {
		issued, err := Issue(keyOf(t, secret, ""), Claims{Scopes: []Scope{c.scope}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := parseMessage(issued)
		if err != nil {
			t.Fatal(c.what, err)
		}
		claims, err := parseClaims(m.payload)
		if err != nil {
			t.Fatal(c.what, err)
		}
		for _, v := range c.verbs {
			for _, name := range c.permits {
				if !permits(claims, v, name) {
					t.Errorf("%s: %s of %s is not permitted", c.what, v, name)
				}
			}
			for _, name := range c.prohibits {
				if permits(claims, v, name) {
					t.Errorf("%s: %s of %s is permitted", c.what, v, name)
				}
			}
		}
		for _, v := range c.withoutVerbs {
			for _, name := range c.permits {
				if permits(claims, v, name) {
					t.Errorf("%s: %s of %s is permitted", c.what, v, name)
				}
			}
		}
	}
}

// TestNamespacesHaveNoTrack: a match for tracks is none for namespaces, and a namespace
// above what is matched is not asked for.
func TestNamespacesHaveNoTrack(t *testing.T) {
	c := &Claims{Scopes: []Scope{{[]Action{PublishNamespace, SubscribeNamespace, RequestUpdate}, exactly("example", "com"), true, match(Exact, "/bob")}}}
	for _, v := range []relay.Verb{relay.VerbPublishNamespace, relay.VerbSubscribeNamespace, relay.VerbShow, relay.VerbUpdate} {
		if !permits(c, v, full("", "example", "com")) || permits(c, v, full("", "example")) || permits(c, v, full("", "example", "com", "x")) || permits(c, v, full("")) {
			t.Error(v)
		}
	}
	if permits(c, relay.VerbUpdate, full("/alice", "example", "com")) || !permits(c, relay.VerbUpdate, full("/bob", "example", "com")) {
		t.Error("an update of a track")
	}
}

// verbs are those of the actions in the test vectors.
var verbs = map[int]relay.Verb{
	0: relay.VerbConnect, 2: relay.VerbPublishNamespace, 3: relay.VerbSubscribeNamespace, 4: relay.VerbSubscribe,
	5: relay.VerbUpdate, 6: relay.VerbPublish, 7: relay.VerbFetch, 8: relay.VerbTrackStatus,
}

func dotted(text ...string) wire.Token {
	t, _ := auth.ParseText(strings.Join(text, ""))
	return t
}

// TestScopeVectors: moq-c4m, Appendix A, "MOQT Authorization Scopes". The audience and
// the times of the vectors are those of 2023.
func TestScopeVectors(t *testing.T) {
	type one struct {
		action int
		name   wire.FullTrackName
		want   bool
	}
	for _, c := range []struct {
		id, token string
		reval     time.Duration
		tests     []one
	}{
		{"moqt_publisher_exact", "ogEjEGNDQVQ.owF4GGh0dHBzOi8vYXV0aC5leGFtcGxlLmNvbQQaZVVCgBkBR4GDggIGgktleGFtcGxlLmNvbUVhbGljZYIBRnZpZGVvLQ.oAPD24Wu_zHnDcuM6a-ePeGvRJjbCa6U7iswdsKzFDk", 0, []one{
			{2, full("video-hd", "example.com", "alice"), true}, {6, full("video-sd", "example.com", "alice"), true},
			{6, full("audio-main", "example.com", "alice"), false}, {4, full("video-hd", "example.com", "alice"), false}, {6, full("video-hd", "example.com", "bob"), false},
		}},
		{"moqt_subscriber_prefix", "ogEjEGNDQVQ.owF4GGh0dHBzOi8vYXV0aC5leGFtcGxlLmNvbQQaZVVCgBkBR4GCgwMEB4GCAVJjb25mZXJlbmNlLmV4YW1wbGU.pfUPZultmyCm1GF2PvPXAYXzvK6d1D-OFNBLG1AwjDg", 0, []one{
			{4, full("audio", "conference.example.room1"), true}, {7, full("video", "conference.example.room2"), true},
			{4, full("audio", "other.domain"), false}, {6, full("audio", "conference.example.room1"), false},
		}},
		{"moqt_multi_scope", "ogEjEGNDQVQ.pAF4GGh0dHBzOi8vYXV0aC5leGFtcGxlLmNvbQQaZVVCgBkBR4KCggIGgkxsaXZlLmV4YW1wbGVIc3R1ZGlvLWGCggQHgYIBTGxpdmUuZXhhbXBsZRkBSPlcsA.byEzQmxc28UXFyFekHtgOtaVmWyIPl-63xNMOF0Q_IU", 300 * time.Second, []one{
			{6, full("cam1", "live.example", "studio-a"), true}, {4, full("cam1", "live.example.studio-b"), true},
			{6, full("cam1", "live.example", "studio-b"), false}, {2, full("", "other.example", "studio-a"), false},
		}},
		{"moqt_admin_wildcard", "ogEjEGNDQVQ.owF4GGh0dHBzOi8vYXV0aC5leGFtcGxlLmNvbQQaZVVCgBkBR4GBiQABAgMEBQYHCA.XlNItz7OGqnNEbaqZ_bQh6TL-wV6SDr8hXyOLmtQkj4", 0, []one{
			{0, full("any-track", "any.namespace"), true}, {6, full("any-track", "any.namespace"), true}, {8, full("status", "any.namespace"), true},
		}},
		{"moqt_suffix_match", "ogEjEGNDQVQ.owF4GGh0dHBzOi8vYXV0aC5leGFtcGxlLmNvbQQaZVVCgBkBR4GDgQSBggJMLmV4YW1wbGUuY29tggJGLWF1ZGlv.-eGYTPe_n1PeC0sgHdWCqgnKRHGYF-T89WTk269liBg", 0, []one{
			{4, full("stream1-audio", "cdn.example.com"), true}, {4, full("stream1-video", "cdn.example.com"), false}, {4, full("stream1-audio", "cdn.other.org"), false},
		}},
	} {
		v := &Verifier{Keys: static{keyOf(t, secret, "")}, Issuer: "https://auth.example.com"}
		claims, err := v.verify(t.Context(), dotted(c.token), time.Unix(1700003600, 0))
		if err != nil {
			t.Errorf("%s: %v", c.id, err)
			continue
		}
		if claims.Revalidate != c.reval || !claims.Expires.Equal(time.Unix(1700086400, 0)) {
			t.Errorf("%s: %+v", c.id, claims)
		}
		for _, one := range c.tests {
			if _, ok := claims.Grant.Permits(auth.Ask{Verb: verbs[one.action], Name: one.name}); ok != one.want {
				t.Errorf("%s: %d %s: %v", c.id, one.action, one.name, ok)
			}
		}
	}
}

// TestTokenVectors: moq-c4m, Appendix A, "Token Structure", "DPoP Binding" and "Token
// Validation". Those without moqt permit nothing, so they are refused as the last thing.
func TestTokenVectors(t *testing.T) {
	const minimal = "ogEjEGNDQVQ.owF4GGh0dHBzOi8vYXV0aC5leGFtcGxlLmNvbQOBeBlodHRwczovL3JlbGF5LmV4YW1wbGUuY29tBBplVUKA.W17GD7Gj-B0YtejX7fRwLlUmEkje-ME81oCc9oZaaYY"
	here := Verifier{Issuer: "https://auth.example.com", Audience: "https://relay.example.com"}
	for _, c := range []struct {
		id, token string
		v         Verifier
		at        int64
		err       error
		text      string
	}{
		{"token_hmac_minimal", minimal, here, 1700003600, auth.ErrInvalid, "permits nothing of MOQT"},
		{"token_hmac_full", "ogEjEGNDQVQ.qgF4Gmh0dHBzOi8vaXNzdWVyLm1vcS5leGFtcGxlAnZ1c2VyOmFsaWNlQGV4YW1wbGUuY29tA4J4Gmh0dHBzOi8vcmVsYXkxLmV4YW1wbGUuY29teBpodHRwczovL3JlbGF5Mi5leGFtcGxlLmNvbQQaZVVCgAUaZVPxAAYaZVPxAAdKdmVjdG9yLTAwMhkBNmZDQVQtdjEZATeBbDIwMy4wLjExMy41MBkBOAo.AqpYox40q1P6s8dVtHzwj0WKNgPaTZM9fAsc5GFPRNo", Verifier{}, 1700003600, auth.ErrInvalid, "claim 312 is not understood"},
		{"token_es256", "ogEmEGNDQVQ.pAF4GGh0dHBzOi8vYXV0aC5leGFtcGxlLmNvbQOBeB1odHRwczovL21vcS1yZWxheS5leGFtcGxlLmNvbQQaZVVCgAUaZVPxAA.-jMV6d4GH9d9gUOUQormHaPXoh_f-xmAKwxXXFeAmOfNS2t1oWkN7tTCuq6ZS_xGLg2KIAbz6JeA80NXOClNeg", Verifier{}, 1700003600, auth.ErrInvalid, "MAC is wrong"},
		{"dpop_jwk_binding", "ogEjEGNDQVQ.pAF4GGh0dHBzOi8vYXV0aC5leGFtcGxlLmNvbQQaZVVCgAihA1ggoLHC0-T1prfI2eDxorPE1eb3qLnA0eLzpLXG1-j5oLEZAUGiABg8AQE.sN9kLIp64zIN9zDXoTLYC0xsJU_1FNF3kaO0CbdA_3M", Verifier{}, 1700003600, auth.ErrInvalid, "is not understood"},
		{"valid_basic", "ogEjEGNDQVQ.pAF4GGh0dHBzOi8vYXV0aC5leGFtcGxlLmNvbQOBeBlodHRwczovL3JlbGF5LmV4YW1wbGUuY29tBBplVUKABRplU_EA.9SztgnG4xgw8U9zDFnqPIuPn6hLwuilSigQcfPsArSg", here, 1700003600, auth.ErrInvalid, "permits nothing of MOQT"},
		{"invalid_expired", "ogEjEGNDQVQ.ogF4GGh0dHBzOi8vYXV0aC5leGFtcGxlLmNvbQQaX14QAA.lq8nGBiZm80yUwl1kH_Tv2prKu_nV20JvxVJW8ZGkho", Verifier{}, 1700000000, auth.ErrExpired, "at "},
		{"invalid_not_yet_valid", "ogEjEGNDQVQ.owF4GGh0dHBzOi8vYXV0aC5leGFtcGxlLmNvbQQaZVaUAAUaZVVCgA.fPIUugY7_oSeHlheu83_8Yyljsk3iP2zGeWRUi7NtUs", Verifier{}, 1700000000, auth.ErrInvalid, "not before"},
		{"invalid_wrong_issuer", "ogEjEGNDQVQ.owF4GGh0dHBzOi8vZXZpbC5leGFtcGxlLmNvbQOBeBlodHRwczovL3JlbGF5LmV4YW1wbGUuY29tBBplVUKA.Xo7FCr_MGSyVX0C9sueeapSfboIHkrkysurn2VjC9PU", here, 1700003600, auth.ErrInvalid, "another issuer"},
		{"invalid_wrong_audience", "ogEjEGNDQVQ.owF4GGh0dHBzOi8vYXV0aC5leGFtcGxlLmNvbQOBeB9odHRwczovL290aGVyLXJlbGF5LmV4YW1wbGUuY29tBBplVUKA.b8KxAKxJglzhELMuc9bYmsikrx3F9Y3YdvpfHLbsyk0", here, 1700003600, auth.ErrInvalid, "another audience"},
		{"invalid_tampered_signature", strings.Replace(minimal, ".W17G", ".pF7G", 1), here, 1700003600, auth.ErrInvalid, "MAC is wrong"},
	} {
		c.v.Keys = static{keyOf(t, secret, "")}
		_, err := c.v.verify(t.Context(), dotted(c.token), time.Unix(c.at, 0))
		if !errors.Is(err, c.err) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", c.id, err)
		}
	}
	wrong := &Verifier{Keys: static{keyOf(t, []byte(strings.Repeat("\xff", 32)), "")}}
	if _, err := wrong.Verify(t.Context(), dotted(minimal)); !errors.Is(err, auth.ErrInvalid) || !strings.Contains(err.Error(), "MAC is wrong") {
		t.Error("invalid_wrong_key:", err)
	}
}
