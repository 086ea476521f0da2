// Package limit bounds what sessions may do and hold: each by itself, those of a
// token, those of an address, and all of them.
//
// It knows neither requests nor tracks, only what is counted (Kind) and for whom
// (Scope). It never imports package relay, which asks it.
//
// Start reading at Limiter (limiter.go), then Session (session.go): what one session
// has. door.go decides on connections before they cost much (transport.Door),
// intake.go on what comes in (moq.Intake), pace.go on what goes out (deliver.Pacer).
// account.go is what is counted for one session, token or address, or for all; book.go
// finds those of tokens and addresses and forgets those that nobody needs; config.go
// has the limits and what they are when nobody says.
//
// Locks: that of a Session is taken before that of a book, and that before the one of an
// account. Who brings data of a session that is held up waits for its turn, or for the end
// of the session, without a lock. No goroutine is started.
package limit
