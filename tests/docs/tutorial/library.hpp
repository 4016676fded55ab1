// The domain of docs/tutorial.md.
#pragma once

#include <tyto/tyto.hpp>

struct book_lent {
  std::string reader;
  tyto::timestamp due;
};
struct book_returned {
  std::string reader;
};
TYTO_EVENT(book_lent, "book.lent", reader, due)
TYTO_EVENT(book_returned, "book.returned", reader)

struct lend {
  std::string reader;
  tyto::timestamp due;
};
struct take_back {};

struct book {
  static constexpr std::string_view category = "book";
  using command = std::variant<lend, take_back>;
  using event = std::variant<book_lent, book_returned>;
  struct state {
    std::string reader;  // who has it; empty: it is on the shelf
  };

  static tyto::decision<event> decide(const state& s, const lend& c) {
    if (s.reader == c.reader) return tyto::nothing;
    if (!s.reader.empty()) return tyto::reject(s.reader + " has it");
    return book_lent{c.reader, c.due};
  }
  static tyto::decision<event> decide(const state& s, const take_back&) {
    if (s.reader.empty()) return tyto::nothing;
    return book_returned{s.reader};
  }
  static state evolve(state, const book_lent& e) { return {e.reader}; }
  static state evolve(state, const book_returned&) { return {}; }
};

struct shelf {
  static constexpr std::string_view name = "shelf.v1";
  using events = tyto::events<book_lent, book_returned>;
  using table = tyto::table<std::string, std::uint64_t>;  // by reader: how many books

  static void project(table& rows, const book_lent& e, const tyto::metadata&) {
    rows.update(e.reader, [](std::uint64_t& books) { ++books; });
  }
  static void project(table& rows, const book_returned& e, const tyto::metadata&) {
    rows.update(e.reader, [](std::uint64_t& books) { --books; });
  }

  struct books_of {
    std::string reader;
  };
  static std::uint64_t query(const table& rows, const books_of& q) { return rows.get(q.reader).value_or(0); }
};

struct reminder_planned {
  std::string reader;
  tyto::timestamp due;
};
struct reader_reminded {
  std::string reader;
};
struct loan_ended {};
TYTO_EVENT(reminder_planned, "loan.reminder_planned", reader, due)
TYTO_EVENT(reader_reminded, "loan.reader_reminded", reader)
TYTO_EVENT(loan_ended, "loan.ended")

struct loan {
  static constexpr std::string_view name = "loan";
  using inputs = tyto::events<book_lent, book_returned>;
  using event = std::variant<reminder_planned, reader_reminded, loan_ended>;
  struct state {
    std::string reader;
  };

  static tyto::correlation correlate(const book_lent&, const tyto::metadata& m) { return tyto::starts(m.entity_id()); }
  static tyto::correlation correlate(const book_returned&, const tyto::metadata& m) {
    return tyto::continues(m.entity_id());
  }

  static tyto::decision<event> on(const state&, const book_lent& e, const tyto::metadata&) {
    return reminder_planned{e.reader, e.due};
  }
  static tyto::decision<event> on(const state&, const book_returned&, const tyto::metadata&) { return loan_ended{}; }
  static tyto::decision<event> on(const state& s, const tyto::deadline&) { return reader_reminded{s.reader}; }

  static state evolve(state, const reminder_planned& e) { return {e.reader}; }
  static state evolve(state s, const reader_reminded&) { return s; }
  static state evolve(state, const loan_ended&) { return {}; }

  static tyto::steps then(const reminder_planned& e, const std::string&) { return {tyto::set_deadline{"due", e.due}}; }
  static tyto::steps then(const loan_ended&, const std::string&) { return {tyto::cancel_deadline{"due"}}; }
};
