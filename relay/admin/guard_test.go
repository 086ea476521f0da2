package admin

import (
	"net/http"
	"testing"
)

// Who may ask: without a token this machine by its own names and no page of others, with
// one who brings it. The two probes are for everybody.
func TestGuard(t *testing.T) {
	const token = "0123456789abcdef"
	basic := "Basic OjAxMjM0NTY3ODlhYmNkZWY=" // without a user name
	for name, c := range map[string]struct {
		local          bool
		token          string
		method, target string
		header         []string
		want           int
	}{
		"local":                    {true, "", "GET", "/stats", nil, 200},
		"by address":               {true, "", "GET", "/stats", []string{"Host", "127.0.0.1:9090"}, 200},
		"by IPv6 address":          {true, "", "GET", "/stats", []string{"Host", "[::1]:9090"}, 200},
		"without port":             {true, "", "GET", "/stats", []string{"Host", "localhost"}, 200},
		"rebound name":             {true, "", "GET", "/stats", []string{"Host", "evil.example:9090"}, 403},
		"rebound name that begins": {true, "", "GET", "/stats", []string{"Host", "localhost.evil.example"}, 403},
		"page, rebound":            {true, "", "GET", "/", []string{"Host", "evil.example"}, 403},
		"probe, any name":          {true, "", "GET", "/readyz", []string{"Host", "10.0.0.1"}, 200},
		"form of another page":     {true, "", "POST", "/cache/purge?namespace=a", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		"another origin":           {true, "", "DELETE", "/sessions/99", []string{"Origin", "http://evil.example"}, 403},
		"another port":             {true, "", "DELETE", "/sessions/99", []string{"Origin", "http://localhost:8080"}, 403},
		"own page":                 {true, "", "POST", "/cache/purge?namespace=a", []string{"Origin", "http://localhost:9090", "Sec-Fetch-Site", "same-origin"}, 200},
		"no browser":               {true, "", "POST", "/cache/purge?namespace=a", nil, 200},
		"token missing":            {true, token, "GET", "/stats", nil, 401},
		"token wrong":              {true, token, "GET", "/stats", []string{"Authorization", "Bearer " + token + "0"}, 401},
		"token":                    {true, token, "GET", "/stats", []string{"Authorization", "Bearer " + token}, 200},
		"token, any case":          {true, token, "GET", "/stats", []string{"Authorization", "bearer " + token}, 200},
		"as password":              {true, token, "GET", "/stats", []string{"Authorization", basic}, 200},
		"other scheme":             {true, token, "GET", "/stats", []string{"Authorization", "Digest " + token}, 401},
		"token, other name":        {false, token, "GET", "/stats", []string{"Authorization", "Bearer " + token, "Host", "edge.example"}, 200},
		"token, form elsewhere":    {false, token, "POST", "/drain", []string{"Authorization", basic, "Sec-Fetch-Site", "cross-site"}, 403},
		"drain without":            {false, token, "POST", "/drain", nil, 401},
		"profiles without":         {false, token, "GET", "/debug/pprof/", nil, 401},
		"metrics without":          {false, token, "GET", "/metrics", nil, 401},
		"metrics":                  {false, token, "GET", "/metrics/track", []string{"Authorization", "Bearer " + token}, 204},
		"probe without":            {false, token, "GET", "/healthz", []string{"Host", "10.0.0.1"}, 200},
		"no token, not local":      {false, "", "GET", "/stats", nil, 403},
	} {
		w := &world{t: t}
		w.server = New(Config{
			Relay: newWorld(t, nil).relay, Local: c.local, Token: func() string { return c.token }, Logger: quiet(),
			Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }),
		})
		rsp, body := w.ask(c.method, c.target, c.header...)
		if rsp.StatusCode != c.want {
			t.Errorf("%s: %s %s", name, rsp.Status, body)
		}
		if asks := rsp.Header.Get("WWW-Authenticate") != ""; asks != (c.want == 401) {
			t.Errorf("%s: asks for a password: %v", name, asks)
		}
	}
}
