// The preprocessor half of TYTO_VALUE and TYTO_EVENT: turns a list of members into a list of inspected fields. It
// rescans itself up to 256 times, which bounds the number of fields of one struct.
#pragma once

#define TYTO_DETAIL_PARENS ()
#define TYTO_DETAIL_EXPAND(...) \
  TYTO_DETAIL_EXPAND_3(TYTO_DETAIL_EXPAND_3(TYTO_DETAIL_EXPAND_3(TYTO_DETAIL_EXPAND_3(__VA_ARGS__))))
#define TYTO_DETAIL_EXPAND_3(...) \
  TYTO_DETAIL_EXPAND_2(TYTO_DETAIL_EXPAND_2(TYTO_DETAIL_EXPAND_2(TYTO_DETAIL_EXPAND_2(__VA_ARGS__))))
#define TYTO_DETAIL_EXPAND_2(...) \
  TYTO_DETAIL_EXPAND_1(TYTO_DETAIL_EXPAND_1(TYTO_DETAIL_EXPAND_1(TYTO_DETAIL_EXPAND_1(__VA_ARGS__))))
#define TYTO_DETAIL_EXPAND_1(...) __VA_ARGS__

#define TYTO_DETAIL_FIELDS(f, x, ...) __VA_OPT__(TYTO_DETAIL_EXPAND(TYTO_DETAIL_FIELD(f, x, __VA_ARGS__)))
#define TYTO_DETAIL_FIELD(f, x, member, ...) \
  f.field(#member, x.member) __VA_OPT__(, TYTO_DETAIL_FIELD_AGAIN TYTO_DETAIL_PARENS(f, x, __VA_ARGS__))
#define TYTO_DETAIL_FIELD_AGAIN() TYTO_DETAIL_FIELD
