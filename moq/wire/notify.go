package wire

// StateNotify is PUBLISH_STATE_NOTIFY: the publisher tells on the stream of a
// subscription what changed (draft 20). It is not answered.
type StateNotify struct {
	Params Parameters // what changed, and LargestObject if there is one
}

// Type returns MsgStateNotify.
func (*StateNotify) Type() MessageType { return MsgStateNotify }

func encodeStateNotify(e *encoder, m *StateNotify) { e.parameters(&m.Params, inStateNotify) }
func decodeStateNotify(d *decoder, m *StateNotify) { d.parameters(&m.Params, inStateNotify) }
