package limit

import (
	"sync"
	"time"
)

// book has the accounts of a scope by key. One that nobody uses is kept for as long as
// its rates remember something, so that who comes again does not begin anew.
type book struct {
	scope Scope

	mu       sync.Mutex
	accounts map[string]*account
	swept    time.Time
	others   account // of those for whom there is no room
}

const (
	// maxAccounts bounds a book; beyond, all others are one.
	maxAccounts = 65_536
	// memory is how long an account is kept that nobody uses.
	memory = 10 * time.Second
	// sweeping is how often it is looked for those that are not needed any more.
	sweeping = 5 * time.Second
)

// open returns the account of a key, which is used until close; nil for "".
func (b *book) open(key string) *account {
	if key == "" {
		return nil
	}
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.accounts[key]
	if a == nil {
		if now.Sub(b.swept) >= sweeping {
			b.sweep(now)
		}
		if len(b.accounts) >= maxAccounts {
			b.others.scope = b.scope
			return &b.others
		}
		if b.accounts == nil {
			b.accounts = map[string]*account{}
		}
		a = &account{scope: b.scope, key: key}
		b.accounts[key] = a
	}
	a.users++
	return a
}

// find returns the account of a key if there is one.
func (b *book) find(key string) *account {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.accounts[key]
}

// close ends a use.
func (b *book) close(a *account) {
	if a == nil || a.key == "" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.users--; a.users == 0 {
		a.left = time.Now()
	}
}

// sweep forgets who is not needed any more. The caller holds mu.
func (b *book) sweep(now time.Time) {
	b.swept = now
	for key, a := range b.accounts {
		if a.users == 0 && now.Sub(a.left) >= memory {
			delete(b.accounts, key)
		}
	}
}

func (b *book) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.accounts)
}
