package node

import (
	"os"
	"strings"
	"time"

	"moqedge/cmd/moqedge/config"
	"moqedge/relay/auth/token"
)

// checkAccess reads files of keys, and says who may do everything.
func checkAccess(c config.Config, _ time.Time) []Problem {
	if !c.Access.Guarded() {
		if config.Loopback(c.Listen) {
			return nil
		}
		return warning("access: everybody who reaches %s may read and publish everything: say who may, by access.jwt or access.anonymous", c.Listen)
	}
	if j := c.Access.JWT; j != nil && !strings.Contains(j.Keys, "://") {
		text, err := os.ReadFile(j.Keys)
		if err == nil {
			_, err = token.ParseKeys(text)
		}
		return problem("access.jwt.keys", err)
	}
	return nil
}
