package moq_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
)

// scramble changes a conversation by whole pieces: what fuzzing by bytes seldom
// does. with is another one to take pieces of.
func (c *conversation) scramble(r *rand.Rand, with *conversation) {
	for range 1 + r.IntN(4) {
		i, j := r.IntN(len(c.said)), r.IntN(len(c.said))
		switch r.IntN(8) {
		case 0:
			c.said[i], c.said[j] = c.said[j], c.said[i]
		case 1:
			c.said = slices.Insert(c.said, i, c.said[j])
		case 2:
			c.said = slices.Delete(c.said, i, i+1)
		case 3:
			c.said[i].end = ending(r.IntN(4))
		case 4:
			c.said[i].on = c.said[j].on
		case 5: // the first pieces alone
			c.said = c.said[:i+1]
		case 6:
			c.said = slices.Insert(c.said, i, with.said[r.IntN(len(with.said))])
		case 7:
			if n := len(c.said[i].bytes); n > 0 {
				b := slices.Clone(c.said[i].bytes)
				b[r.IntN(n)] ^= 1 << r.IntN(8)
				c.said[i].bytes = b
			}
		}
		if len(c.said) == 0 {
			return
		}
	}
}

// TestScrambledConversations: nothing that is said in a wrong order, on another
// stream, twice, not at all or of another draft makes a session panic, hang or
// leave a goroutine behind.
func TestScrambledConversations(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(seeds, "moqt-*"))
	if err != nil || len(files) == 0 {
		t.Fatal("no seeds", err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		c, with := readSeed(t, files[r.IntN(len(files))]), readSeed(t, files[r.IntN(len(files))])
		c.scramble(r, with)
		synctest.Test(t, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("%q", c.append(nil))
				}
			}()
			_ = c.replay(t)
		})
	}
}
