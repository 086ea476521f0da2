// Package moq is Media over QUIC Transport: sessions that publish and
// subscribe to tracks, as client and as server, over raw QUIC, WebTransport or
// memory, in drafts 16 and 18 to 22.
//
// A Session is one state machine for requests (moqt-18 §10). What it receives
// it appends to tracks of package live, what it publishes it reads from such
// tracks, so a relay is no more than a Handler that answers a request for a
// track with the live.Track that another session fills.
//
// The package knows no media. Packages below it are loc, cmaf and msf.
//
// # Map
//
// A connection becomes a Session by [NewSession]; [Client] dials, and keeps a
// session to one server alive. Then, by what this side is:
//
//   - Subscriber: [Session.Subscribe] (with the past: SubscribeOptions.JoinGroups),
//     [Session.Fetch], [Session.TrackStatus], [Session.SubscribeNamespace],
//     [Session.SubscribeTracks]. What is offered to it arrives at its Handler as
//     [PublishRequest] and [PublishNamespaceRequest].
//   - Publisher: a Handler that is asked by [SubscribeRequest], [FetchRequest],
//     [TrackStatusRequest], [SubscribeNamespaceRequest] and
//     [SubscribeTracksRequest]; [Origin] is one that has its tracks at hand. It
//     offers by [Session.Publish] and [Session.PublishNamespace].
//   - Relay: both, with the Track of a Subscription given to Accept.
//
// Objects are written with live.Track.OpenSubgroup and read with
// live.Track.NewReader. What is sent next on a session is decided by package
// deliver; Config.Deliver adjusts it.
//
// # Errors
//
// What ends is told apart by type, with errors.As and errors.Is:
//
//   - [*RequestError]: the peer refused one request, with a code (moqt-18 §10.6.2).
//     errors.Is(err, &RequestError{Code: c}) compares codes.
//   - [ErrGoaway]: the peer sent GOAWAY, new requests belong on another session
//     (moqt-18 §10.4). [ErrNoStream]: it leaves no stream for a PUBLISH.
//   - *wire.Error: this side closed the session, by Close or because the peer broke
//     the protocol; its Code is the one that was sent (moqt-18 §3.5).
//   - *transport.CloseError: the peer closed the session; Code says why.
//   - *transport.DialError: there is no connection; it says what to do.
//   - the cause of a context: what was waited for did not come in time.
//
// A subscription that was accepted ends with a live.Done: see
// [Subscription.Result], and [Subscription.Lost] for one that nobody ended.
// live.ErrClosed is not a failure: the track has been read to its end. Reasons
// and names come from the peer: quote them in logs.
//
// # Units and ranges
//
// Times are time.Duration; on the wire they are whole milliseconds, rounded up.
// Sizes are bytes. A priority is 0 to 255, lower first. Ranges of requests are
// inclusive at both ends, and an Object of math.MaxUint64 is the rest of its
// group; live.Range alone is half open.
//
// # Ownership and concurrency
//
// Byte slices and options that are handed in belong to the session or the track
// from then on; payloads and properties that are handed out are shared with every
// other reader and must not be changed. Methods of Session, Subscription, Fetch,
// Publication, Origin and NamespaceQueue are safe for concurrent use. A request is
// answered by one goroutine; what it has besides may be called by any. Handler.Serve
// has a goroutine per request and may block; callbacks (Updated,
// Notified, Established, OnGoaway, NamespaceEvents, blocked) are called by the
// goroutine that reads a request, and must not block.
//
// A session ends with its connection, and all its goroutines with it: Close,
// then Wait. Contexts that are passed to requests bound the wait for the answer,
// not what was asked for.
//
// # Drafts
//
// Session.Version is negotiated by ALPN or WT-Protocol among wire.Versions():
// drafts 18, 16, 22, 21, 20, 19, in this order, or what DialConfig.Versions and
// ListenConfig.Versions allow. All are used by the same calls, in terms of the
// newest; parameters that a draft lacks are left out when they are advice, and are
// an error when losing them would change what is delivered. What remains for the
// application to know can be asked of Version.Has:
//
//   - FeatureControlStream (16): requests share a stream. At most 1024 requests of a
//     peer are open at a time; one whose answer is slow does not hold up others.
//   - FeatureJoiningFetch (16 to 19), FeatureFill (20 on): how JoinGroups is asked
//     for. A publisher sees the first as a FetchRequest with a Joined track, the
//     second in SubscribeRequest.Fill.
//   - FeatureRangeFilters (19 on): Parameters.RangeFilters can be sent.
//   - FeatureSharedTracks (19 on): several subscriptions of a track in one session;
//     before, a second one is refused with DUPLICATE_SUBSCRIPTION.
//   - FeatureStateNotify (20 on): a publisher tells of changes by itself, see
//     SubscribeOptions.Notified and SubscribeRequest.Notify.
//   - FeaturePublishOKParams (16 to 19): the parameters of PublishRequest.Accept go
//     with the answer; later they follow it, and objects may come in between.
//   - FeatureSubscribeTracks (18 on): SubscribeTracksRequest.Blocked reaches the peer.
//   - FeatureRequestGoaway (18 on): one request can be moved, by the Goaway method
//     of requests; the Goaway channels of subscriptions and publications yield
//     nothing in draft 16. FeatureGoawayTimeout (18 on): Goaway.Timeout is told.
//   - FeatureRedirect (18 on): RequestError.Redirect; draft 16 has no code for it.
//   - FeatureRequestUpdateLimit (19 on): Update waits while the peer's
//     MAX_REQUEST_UPDATES are unanswered.
//   - FeatureObjectTimeouts (19 on): delivery timeouts of single subgroups are
//     honoured. FeatureTimedOutRange (20 on): a fetch tells what was late from what
//     is unknown.
//   - FeatureReservedNamespaces, FeatureMandatoryProperties (18 on): names that begin
//     with a period, and tracks with properties that must be understood and are not,
//     are refused.
//   - FeatureFinKeepsRequest (19 on): nothing to do; in draft 18 a peer may end its namespace
//     subscriptions by FIN.
//   - FeatureFirstObject (18 on): subscribers know whether a subgroup begins with its
//     first object. FeatureGoawayRequestID (18): told to the peer, nothing to do.
//
// The published wording of drafts 20 to 22 was not at hand in full; where a rule
// rests on a working copy the code says so beside it.
//
// # Where to start reading
//
// Session (session.go), then Subscribe (subscribe.go) for the subscriber's side and
// Handler (serve.go) for the publisher's. The examples are programs to start from.
package moq
