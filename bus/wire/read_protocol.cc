#include "bus/wire/read_protocol.h"

#include <algorithm>
#include <boost/json.hpp>
#include <limits>

#include "bus/secret/text.h"

namespace keytrail::wire {

namespace json = boost::json;

namespace {

using TextLists = std::vector<std::pair<const char*, std::vector<std::string> Filter::*>>;

const TextLists& filter_members() {
  static const TextLists kMembers{{"types", &Filter::types},      {"users", &Filter::users},
                                  {"keys", &Filter::keys},        {"vms", &Filter::vms},
                                  {"hosts", &Filter::hosts},      {"actions", &Filter::actions},
                                  {"outcomes", &Filter::outcomes}};
  return kMembers;
}

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string_view to_text(PayloadForm form) {
  return form == PayloadForm::kFacts ? "facts" : "cloudevents";
}
std::string_view to_text(AttachmentsWanted wanted) {
  switch (wanted) {
    case AttachmentsWanted::kNone:
      return "none";
    case AttachmentsWanted::kClear:
      return "clear";
    case AttachmentsWanted::kSealed:
      return "sealed";
  }
  return "none";
}

json::array array_of(const std::vector<std::string>& texts) {
  return json::array(texts.begin(), texts.end());  // Not braces: they would make a list of two.
}

// Reads members of one object; the first that is not what it should be makes everything malformed.
// A member that is absent keeps its default.
class Reader {
 public:
  explicit Reader(ByteView text) {
    if (text.size() > kReadBodyBytesMax) {
      fail("the body is too large");
      return;
    }
    json::error_code error;
    json::parse_options options;
    options.max_depth = 8;
    value_ = json::parse(as_text(text), error, {}, options);
    if (!error && value_.is_object())
      object_ = &value_.get_object();
    else
      fail("the body is not a JSON object");
  }

  void get(const char* name, std::uint64_t& out) { read_number(find(name), name, out); }
  void get(const char* name, std::uint32_t& out) { get_small(name, out); }
  void get(const char* name, int& out) { get_small(name, out); }

  void get(const char* name, std::string& out) {
    const json::value* member = find(name);
    if (member == nullptr) return;
    if (!member->is_string()) return fail(std::string(name) + " is not a text");
    out = member->get_string();
  }
  void get(const char* name, std::vector<std::string>& out) { read_texts(find(name), name, out); }

  void get(const char* name, Hash& out) {
    std::string hex;
    get(name, hex);
    if (hex.empty()) return;
    const auto bytes = from_hex(hex);
    if (!bytes.ok() || bytes->size() != out.size())
      return fail(std::string(name) + " is not a hash");
    std::copy(bytes->begin(), bytes->end(), out.begin());
  }
  void get(const char* name, protocol::TopicPositions& out) {
    const json::value* member = find(name);
    if (member == nullptr) return;
    const json::array* numbers = member->if_array();
    if (numbers == nullptr || numbers->size() != out.size())
      return fail(std::string(name) + " is malformed");
    for (std::size_t i = 0; i < out.size(); ++i) read_number(&(*numbers)[i], name, out[i]);
  }
  void get(const char* name, Filter& out) {
    const json::value* member = find(name);
    if (member == nullptr) return;
    const json::object* filter = member->if_object();
    if (filter == nullptr) return fail(std::string(name) + " is not an object");
    for (const auto& [facet, values] : *filter) {
      const auto known = std::find_if(filter_members().begin(), filter_members().end(),
                                      [&](const auto& row) { return facet == row.first; });
      // A facet that is not known would silently match everything.
      if (known == filter_members().end()) {
        return fail("the filter has no facet " +
                    std::string(facet).substr(0, kFilterValueBytesMax));
      }
      read_texts(&values, known->first, out.*(known->second));
    }
    // What matches nothing would silently give nothing.
    const Result<void> checked = check_filter(out);
    if (!checked.ok()) fail(checked.error().detail);
  }
  // "start", "end" or the first position that is wanted.
  void get_from(const char* name, std::optional<Position>& after) {
    const json::value* member = find(name);
    if (member == nullptr) return;
    if (const json::string* text = member->if_string()) {
      if (*text == "start") after = 0;
      if (*text == "end") after = std::nullopt;
      if (*text == "start" || *text == "end") return;
    }
    Position first = 0;
    read_number(member, name, first);
    after = first == 0 ? 0 : first - 1;
  }

  void fail(std::string what) {
    if (!error_) error_ = Error{ErrorCode::kInvalid, std::move(what)};
    object_ = nullptr;
  }

  template <class T>
  [[nodiscard]] Result<T> finish(T value) {
    if (error_) return *error_;
    return value;
  }

 private:
  const json::value* find(const char* name) const {
    return object_ != nullptr ? object_->if_contains(name) : nullptr;
  }

  template <class T>
  void get_small(const char* name, T& out) {
    auto wide = static_cast<std::uint64_t>(out);
    get(name, wide);
    if (wide > static_cast<std::uint64_t>(std::numeric_limits<T>::max()))
      return fail(std::string(name) + " is too large");
    out = static_cast<T>(wide);
  }

  void read_number(const json::value* member, const char* name, std::uint64_t& out) {
    if (member == nullptr) return;
    if (const json::string* text = member->if_string()) {
      if (const auto number = parse_decimal<std::uint64_t>(*text)) {
        out = *number;
        return;
      }
    } else if (member->is_uint64()) {
      out = member->get_uint64();
      return;
    } else if (member->is_int64() && member->get_int64() >= 0) {
      out = static_cast<std::uint64_t>(member->get_int64());
      return;
    }
    fail(std::string(name) + " is not a number from 0 on");
  }

  void read_texts(const json::value* member, const char* name, std::vector<std::string>& out) {
    if (member == nullptr) return;
    const json::array* texts = member->if_array();
    if (texts == nullptr) return fail(std::string(name) + " is not a list");
    values_ += texts->size();
    if (values_ > kFilterValuesMax) return fail("more values than a selection may have");
    for (const json::value& text : *texts) {
      if (!text.is_string() || text.get_string().size() > kFilterValueBytesMax) {
        return fail(std::string(name) + " holds what is not a short text");
      }
      out.emplace_back(text.get_string());
    }
  }

  json::value value_;
  const json::object* object_ = nullptr;
  std::optional<Error> error_;
  std::size_t values_ = 0;
};

void put(json::object& out, const Selection& selection) {
  json::object filter;
  for (const auto& [name, values] : filter_members()) {
    if (!(selection.filter.*values).empty()) filter[name] = array_of(selection.filter.*values);
  }
  if (!filter.empty()) out["filter"] = std::move(filter);
  if (!selection.topics.empty()) out["topics"] = array_of(selection.topics);
  out["attachments"] = to_text(selection.attachments);
}

void get(Reader& reader, Selection& selection) {
  reader.get("filter", selection.filter);
  reader.get("topics", selection.topics);
  std::string attachments = "none";
  reader.get("attachments", attachments);
  for (const AttachmentsWanted wanted :
       {AttachmentsWanted::kNone, AttachmentsWanted::kClear, AttachmentsWanted::kSealed}) {
    if (attachments != to_text(wanted)) continue;
    selection.attachments = wanted;
    return;
  }
  reader.fail("attachments is none, clear or sealed");
}

}  // namespace

std::string to_json(const Hello& hello) {
  json::object out{{"form", to_text(hello.form)},
                   {"generation", number(hello.known.generation)},
                   {"position", number(hello.known.position)},
                   {"leaf", to_hex(hello.known.leaf)}};
  if (!hello.log.empty()) out["log"] = hello.log;
  return json::serialize(out);
}

Result<Hello> hello_from(ByteView text) {
  Reader reader(text);
  Hello hello;
  std::string form = "facts";
  reader.get("form", form);
  if (form == "cloudevents")
    hello.form = PayloadForm::kCloudEvents;
  else if (form != "facts")
    reader.fail("form is facts or cloudevents");
  reader.get("log", hello.log);
  reader.get("generation", hello.known.generation);
  reader.get("position", hello.known.position);
  reader.get("leaf", hello.known.leaf);
  return reader.finish(hello);
}

std::string to_json(const Welcome& welcome) {
  return json::serialize(json::object{{"log", welcome.log},
                                      {"generation", number(welcome.generation)},
                                      {"first", number(welcome.first)},
                                      {"head", number(welcome.head)},
                                      {"topics", array_of(welcome.topics)},
                                      {"schema", welcome.schema},
                                      {"heartbeat_ms", welcome.heartbeat_ms}});
}

Result<Welcome> welcome_from(ByteView text) {
  Reader reader(text);
  Welcome welcome;
  reader.get("log", welcome.log);
  reader.get("generation", welcome.generation);
  reader.get("first", welcome.first);
  reader.get("head", welcome.head);
  reader.get("topics", welcome.topics);
  reader.get("schema", welcome.schema);
  reader.get("heartbeat_ms", welcome.heartbeat_ms);
  return reader.finish(welcome);
}

std::string to_json(const protocol::Head& head) {
  json::array last;
  for (const Position position : head.last) last.emplace_back(number(position));
  return json::serialize(json::object{{"generation", number(head.generation)},
                                      {"head", number(head.durable_head)},
                                      {"log_time", number(head.log_time)},
                                      {"last", std::move(last)},
                                      {"leaf", to_hex(head.leaf)}});
}

Result<protocol::Head> head_from(ByteView text) {
  Reader reader(text);
  protocol::Head head;
  reader.get("generation", head.generation);
  reader.get("head", head.durable_head);
  reader.get("log_time", head.log_time);
  reader.get("last", head.last);
  reader.get("leaf", head.leaf);
  if (head.leaf == Hash{}) reader.fail("a head without its leaf");
  return reader.finish(head);
}

std::string to_json(const ReadQuery& query) {
  json::object out{{"after", number(query.after)}};
  if (query.until != 0) out["until"] = number(query.until);
  if (query.limit != 0) out["limit"] = query.limit;
  put(out, query.selection);
  return json::serialize(out);
}

Result<ReadQuery> read_query_from(ByteView text) {
  Reader reader(text);
  ReadQuery query;
  reader.get("after", query.after);
  reader.get("until", query.until);
  reader.get("limit", query.limit);
  get(reader, query.selection);
  return reader.finish(std::move(query));
}

std::string to_json(const ReadEnd& end) {
  return json::serialize(
      json::object{{"position", number(end.position)}, {"head", number(end.head)}});
}

Result<ReadEnd> read_end_from(ByteView text) {
  Reader reader(text);
  ReadEnd end;
  reader.get("position", end.position);
  reader.get("head", end.head);
  return reader.finish(end);
}

std::string to_json(const FollowQuery& query) {
  json::object out{{"credit", query.credit}};
  // `from` is the first position that is wanted.
  if (query.after)
    out["from"] = number(*query.after + 1);
  else
    out["from"] = "end";
  put(out, query.selection);
  return json::serialize(out);
}

Result<FollowQuery> follow_query_from(ByteView text) {
  Reader reader(text);
  FollowQuery query;
  query.after = 0;
  reader.get_from("from", query.after);
  reader.get("credit", query.credit);
  get(reader, query.selection);
  return reader.finish(std::move(query));
}

std::string to_json(const Progress& progress) {
  return json::serialize(json::object{{"position", number(progress.position)},
                                      {"head", number(progress.head)},
                                      {"log_time", number(progress.log_time)}});
}

Result<Progress> progress_from(ByteView text) {
  Reader reader(text);
  Progress progress;
  reader.get("position", progress.position);
  reader.get("head", progress.head);
  reader.get("log_time", progress.log_time);
  return reader.finish(progress);
}

std::string to_json(const ReadError& error) {
  return json::serialize(
      json::object{{"code", error.code}, {"message", error.message}, {"hint", error.hint}});
}

Result<ReadError> read_error_from(ByteView text) {
  Reader reader(text);
  ReadError error;
  reader.get("code", error.code);
  reader.get("message", error.message);
  reader.get("hint", error.hint);
  return reader.finish(std::move(error));
}

std::string credit_json(std::uint32_t facts) {
  return json::serialize(json::object{{"credit", facts}});
}

Result<std::uint32_t> credit_from(ByteView text) {
  Reader reader(text);
  std::uint32_t credit = 0;
  reader.get("credit", credit);
  return reader.finish(credit);
}

}  // namespace keytrail::wire
