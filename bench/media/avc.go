package media

import (
	"encoding/binary"

	"moqedge/bridge/codec"
)

// parameterSets are those of one size of picture.
type parameterSets struct {
	codec  string
	avcC   []byte
	inBand []byte // SPS and PPS, each with its length before it
}

// newParameterSets describes progressive pictures in constrained baseline profile,
// with one reference picture and shown in decoding order.
func newParameterSets(width, height int, level uint8) parameterSets {
	sps, pps := newSPS(width, height, level), newPPS()
	var sets codec.ParameterSets
	var p parameterSets
	for _, nalu := range [][]byte{sps, pps} {
		p.inBand = binary.BigEndian.AppendUint32(p.inBand, uint32(len(nalu)))
		p.inBand = append(p.inBand, nalu...)
	}
	// The sets are our own: a test reads them with another implementation.
	_, _ = sets.Update([][]byte{sps, pps})
	p.codec, p.avcC = sets.CodecString("avc1"), sets.AVCC()
	return p
}

// newSPS returns a sequence parameter set (ITU-T H.264 §7.3.2.1.1).
func newSPS(width, height int, level uint8) []byte {
	// constraint_set0_flag to constraint_set2_flag: what WebRTC calls 42e0
	w := bitWriter{b: []byte{0x67, 66, 0xe0, level}}
	w.exp(0) // seq_parameter_set_id
	w.exp(0) // log2_max_frame_num_minus4
	w.exp(2) // pic_order_cnt_type: output in decoding order
	w.exp(1) // max_num_ref_frames
	w.bit(0) // gaps_in_frame_num_value_allowed_flag
	columns, rows := (width+15)/16, (height+15)/16
	w.exp(uint(columns - 1))
	w.exp(uint(rows - 1))
	w.bit(1) // frame_mbs_only_flag
	w.bit(1) // direct_8x8_inference_flag
	if right, bottom := columns*16-width, rows*16-height; right > 0 || bottom > 0 {
		w.bit(1)
		w.exp(0)
		w.exp(uint(right / 2)) // in units of two samples of luma
		w.exp(0)
		w.exp(uint(bottom / 2))
	} else {
		w.bit(0)
	}
	w.bit(0) // vui_parameters_present_flag
	return w.end()
}

// newPPS returns a picture parameter set (ITU-T H.264 §7.3.2.2): CAVLC, one slice
// group, nothing weighted.
func newPPS() []byte {
	w := bitWriter{b: []byte{0x68}}
	w.exp(0) // pic_parameter_set_id
	w.exp(0) // seq_parameter_set_id
	w.bit(0) // entropy_coding_mode_flag
	w.bit(0) // bottom_field_pic_order_in_frame_present_flag
	w.exp(0) // num_slice_groups_minus1
	w.exp(0) // num_ref_idx_l0_default_active_minus1
	w.exp(0) // num_ref_idx_l1_default_active_minus1
	w.bit(0) // weighted_pred_flag
	w.bit(0) // weighted_bipred_idc
	w.bit(0)
	w.exp(0) // pic_init_qp_minus26
	w.exp(0) // pic_init_qs_minus26
	w.exp(0) // chroma_qp_index_offset
	w.bit(0) // deblocking_filter_control_present_flag
	w.bit(0) // constrained_intra_pred_flag
	w.bit(0) // redundant_pic_cnt_present_flag
	return w.end()
}

// Headers of NAL units: nal_ref_idc 3 and an IDR slice, 2 and another slice.
const (
	naluIDR   = 0x65
	naluSlice = 0x41
)

// Sizes of slice headers with the NAL unit's.
const (
	idrHeader   = 4
	sliceHeader = 3
)

// appendSliceHeader appends the header of a NAL unit and of its only slice (ITU-T
// H.264 §7.3.3), as the sets of newParameterSets have it, filled up with ones to
// whole bytes. place counts the pictures of the group. No byte is zero.
func appendSliceHeader(b []byte, key bool, place uint64) []byte {
	if key {
		return append(b, naluIDR,
			0b1_0001000,    // first_mb_in_slice 0; slice_type 7: I
			0b1_0000_1_0_0, // picture parameter set 0; frame_num 0; idr_pic_id 0; no flag of dec_ref_pic_marking
			0b1_111_1111,   // slice_qp_delta 0
		)
	}
	frameNum := byte(place % 16)
	return append(b, naluSlice,
		0b1_00110_1_0|frameNum>>3, // first_mb_in_slice 0; slice_type 5: P; picture parameter set 0; frame_num
		frameNum<<5|0b0_0_0_1_1,   // no override, no modification of the list, no marking; slice_qp_delta 0
	)
}

// sliceData returns what follows the slice header in the last NAL unit of a
// payload; false when the payload is not such a picture.
func sliceData(payload []byte) ([]byte, bool) {
	for b := payload; len(b) >= 4; {
		size := binary.BigEndian.Uint32(b)
		if size == 0 || uint64(size) > uint64(len(b)-4) {
			return nil, false
		}
		nalu := b[4 : 4+size]
		if b = b[4+size:]; len(b) > 0 {
			continue
		}
		header := sliceHeader
		switch nalu[0] {
		case naluIDR:
			header = idrHeader
		case naluSlice:
		default:
			return nil, false
		}
		if len(nalu) < header {
			return nil, false
		}
		return nalu[header:], true
	}
	return nil, false
}

// bitWriter appends bits to bytes, most significant first. What it is used for has
// no two zero bytes in a row, so it knows no emulation prevention.
type bitWriter struct {
	b    []byte
	free int // bits of the last byte
}

func (w *bitWriter) bit(x uint) {
	if w.free == 0 {
		w.b, w.free = append(w.b, 0), 8
	}
	w.free--
	w.b[len(w.b)-1] |= byte(x&1) << w.free
}

// exp writes ue(v), and se(v) of 0.
func (w *bitWriter) exp(v uint) {
	size := 0
	for (v+1)>>size > 1 {
		size++
	}
	for range size {
		w.bit(0)
	}
	for ; size >= 0; size-- {
		w.bit((v + 1) >> size)
	}
}

// end writes rbsp_trailing_bits.
func (w *bitWriter) end() []byte {
	w.bit(1)
	return w.b
}
