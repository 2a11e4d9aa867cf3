#include "cli/vcenter_session.h"

#include <boost/json.hpp>

#include "bus/secret/file.h"
#include "bus/secret/secret_bytes.h"
#include "bus/wire/command_server.h"
#include "bus/wire/context.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

constexpr int kQuietMs = 120'000;  // a command that takes time says so on the way
constexpr std::size_t kPasswordBytesMax = 1024;

ErrorCode code_of(std::string_view code) {
  if (code == "not-found") return ErrorCode::kNotFound;
  if (code == "invalid") return ErrorCode::kInvalid;
  if (code == "unavailable" || code == "busy") return ErrorCode::kUnavailable;
  return ErrorCode::kRefused;
}

std::string text(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->as_string()) : "";
}

Result<json::object> parse_object(const std::string& text_of_answer) {
  boost::system::error_code malformed;
  json::value value = json::parse(text_of_answer, malformed);
  if (malformed || !value.is_object())
    return Error{ErrorCode::kCorrupt, "the answer is not a JSON object"};
  return std::move(value.as_object());
}

Result<std::string> outcome_of(const wire::CommandClient::Answer& answer) {
  if (answer.ok) return answer.json;
  const json::object error = TRY(parse_object(answer.json));
  const std::string hint = text(error, "hint");
  return Error{code_of(text(error, "code")),
               text(error, "message") + (hint.empty() ? "" : "; " + hint)};
}

// The text of a file of one line, without its line feed.
Result<std::string> read_password(const std::string& path) {
  OsFileSystem files;
  Bytes bytes = TRY(read_file(files, path, kPasswordBytesMax));
  std::string password(as_text(bytes));
  wipe(bytes);
  while (!password.empty() && (password.back() == '\n' || password.back() == '\r'))
    password.pop_back();
  if (password.empty())
    return Error{ErrorCode::kInvalid, "the password file " + path + " is empty"};
  return password;
}

}  // namespace

struct VcenterSession::Impl {
  Impl(const Endpoints& endpoints, wire::CurveKeys own)
      : keys(std::move(own)),
        client(context, endpoints.vcenter.command, endpoints.vcenter.server_key, keys) {}
  wire::CurveKeys keys;  // The client borrows them.
  wire::Context context;
  wire::CommandClient client;
  std::string session;
};

VcenterSession::VcenterSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VcenterSession::~VcenterSession() { wipe(impl_->session); }

Result<std::unique_ptr<VcenterSession>> VcenterSession::open(const Globals& globals) {
  const Endpoints endpoints = TRY(read_endpoints(globals.data));
  wire::CurveKeys keys = TRY(wire::read_curve_keys(endpoints.operator_identity.key_file));
  if (!globals.user.empty() && globals.password_file.empty()) {
    return Error{ErrorCode::kInvalid,
                 "--user needs --password-file, the file that holds that user's password"};
  }
  const std::string user = globals.user.empty() ? endpoints.vcenter.user : globals.user;
  const std::string file =
      globals.password_file.empty() ? endpoints.vcenter.password_file : globals.password_file;
  std::string password = TRY(read_password(file));
  auto session = std::unique_ptr<VcenterSession>(
      new VcenterSession(std::make_unique<Impl>(endpoints, std::move(keys))));
  std::string arguments = json::serialize(json::object{{"user", user}, {"password", password}});
  wipe(password);
  const Result<std::string> answer = session->call("login", arguments);
  wipe(arguments);
  if (!answer.ok()) return answer.error();
  session->impl_->session = text(TRY(parse_object(*answer)), "session");
  return session;
}

Result<std::string> VcenterSession::call(const std::string& command, const std::string& arguments,
                                         const OnProgress& on_progress) {
  json::object request{{"command", command}, {"arguments", TRY(parse_object(arguments))}};
  if (!impl_->session.empty()) request["session"] = impl_->session;
  std::string message = json::serialize(request);
  const Result<wire::CommandClient::Answer> answer =
      impl_->client.call(message, kQuietMs, on_progress);
  wipe(message);
  if (!answer.ok()) {
    return Error{answer.error().code, "vCenter does not answer: " + answer.error().detail +
                                          "; is it running? (`keytrail status`)"};
  }
  return outcome_of(*answer);
}

Result<std::string> operator_call(const Endpoints& endpoints, const std::string& command_endpoint,
                                  const std::string& server_key, const std::string& command,
                                  const std::string& arguments, int timeout_ms) {
  const wire::CurveKeys keys = TRY(wire::read_curve_keys(endpoints.operator_identity.key_file));
  wire::Context context;
  wire::CommandClient client(context, command_endpoint, server_key, keys);
  const json::object request{{"command", command}, {"arguments", TRY(parse_object(arguments))}};
  const Result<wire::CommandClient::Answer> answer =
      client.call(json::serialize(request), timeout_ms, {});
  if (!answer.ok()) {
    return Error{answer.error().code, command_endpoint +
                                          " does not answer: " + answer.error().detail +
                                          "; is that part running? (`keytrail status`)"};
  }
  return outcome_of(*answer);
}

}  // namespace keytrail::cli
