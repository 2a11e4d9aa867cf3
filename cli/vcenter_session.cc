#include "cli/vcenter_session.h"

#include <algorithm>
#include <boost/json.hpp>
#include <optional>

#include "bus/events/clock.h"
#include "bus/wire/command_server.h"
#include "bus/wire/context.h"
#include "cli/json_fields.h"
#include "cli/kept_session.h"
#include "cli/listening.h"
#include "cli/secret_input.h"
#include "cli/up/control.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

constexpr int kQuietMs = 120'000;  // a command that takes time says so on the way
constexpr TimeNs kNsPerSecond = 1'000'000'000;
constexpr const char* kAnswer = "the answer";

ErrorCode code_of(std::string_view code) {
  if (code == "not-found") return ErrorCode::kNotFound;
  if (code == "invalid") return ErrorCode::kInvalid;
  if (code == "unavailable") return ErrorCode::kUnavailable;
  return ErrorCode::kRefused;
}

Result<std::string> outcome_of(const wire::CommandClient::Answer& answer) {
  if (answer.ok) return answer.json;
  const json::object error = TRY(parse_object(answer.json, kAnswer));
  return Error{code_of(text_at(error, "code")),
               sentence_of(text_at(error, "message"), text_at(error, "hint"))};
}

// The message is the only copy of what it carries, and the caller's to wipe.
std::string message_of(const std::string& command, const std::string& arguments,
                       const SecretBytes& session) {
  constexpr std::size_t kRoundAbout = 64;  // names of members, and what is between them
  std::string message;
  message.reserve(command.size() + arguments.size() + session.size() + kRoundAbout);
  message.append(R"({"command":")").append(command);
  message.append(R"(","arguments":)").append(arguments);
  if (!session.empty()) {
    message.append(R"(,"session":")").append(as_text(session.read(SecretAccess()))).append("\"");
  }
  message.append("}");
  return message;
}

// Whose password, and where it stands.
struct Credentials {
  std::string user, password_file;
  bool is_installations_own = false;
};

Result<Credentials> credentials_of(const Globals& globals, const Endpoints& endpoints) {
  if (!globals.user.empty() && globals.password_file.empty()) {
    return Error{ErrorCode::kInvalid,
                 "--user needs --password-file, the file that holds that user's password"};
  }
  const std::string& user = globals.user.empty() ? endpoints.vcenter.user : globals.user;
  if (!globals.password_file.empty()) return Credentials{user, globals.password_file, false};
  return Credentials{user, endpoints.vcenter.password_file, true};
}

// Only the installation's own password, which lies in the same folder, is worth no more.
std::optional<KeptSession> kept_session_of(const Credentials& credentials,
                                           const Endpoints& endpoints) {
  const bool is_file_name = credentials.user.find('/') == std::string::npos;
  if (!credentials.is_installations_own || !is_file_name) return std::nullopt;
  return std::optional<KeptSession>(
      std::in_place, endpoints.data + "/client/session-" + credentials.user,
      KeptSession::MadeWith{credentials.user, endpoints.vcenter.server_key,
                            credentials.password_file},
      SystemClock().now());
}

bool is_hex_digit(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

// The session's token, cut out of the answer before a parser makes copies of it.
Result<SecretBytes> take_token(std::string& json) {
  const std::span<char> letters = plain_text_at(json, "session");
  SecretBytes token = SecretBytes::copy_of(as_bytes({letters.data(), letters.size()}));
  const bool is_token =
      !letters.empty() && std::all_of(letters.begin(), letters.end(), is_hex_digit);
  std::fill(letters.begin(), letters.end(), '-');
  if (is_token) return token;
  wipe(json);
  return Error{ErrorCode::kCorrupt, "vCenter's answer to the log-in has no session"};
}

Error does_not_answer(const std::string& who, const Error& why) {
  return {why.code, who + " does not answer: " + why.detail +
                        "; is that part running? (`keytrail status`)"};
}

bool wants_a_login(const wire::CommandClient::Answer& answer) {
  if (answer.ok) return false;
  const Result<json::object> error = parse_object(answer.json, kAnswer);
  return error.ok() && text_at(*error, "code") == "unauthorized";
}

}  // namespace

struct VcenterSession::Impl {
  Impl(const Endpoints& endpoints, Credentials whose, wire::CurveKeys own)
      : credentials(std::move(whose)),
        kept(kept_session_of(credentials, endpoints)),
        keys(std::move(own)),
        client(context, endpoints.vcenter.command, endpoints.vcenter.server_key, keys) {}

  Result<wire::CommandClient::Answer> ask(const std::string& command, const std::string& arguments,
                                          const OnProgress& on_progress = {});
  Result<void> log_in();

  const Credentials credentials;
  const std::optional<KeptSession> kept;
  wire::CurveKeys keys;  // The client borrows them.
  wire::Context context;
  wire::CommandClient client;
  SecretBytes session;
  bool is_from_before = false;  // The session is an earlier command's: it may be over.
};

Result<wire::CommandClient::Answer> VcenterSession::Impl::ask(const std::string& command,
                                                              const std::string& arguments,
                                                              const OnProgress& on_progress) {
  std::string message = message_of(command, arguments, session);
  Result<wire::CommandClient::Answer> answer = client.call(message, kQuietMs, on_progress);
  wipe(message);
  if (answer.ok()) return answer;
  return Error{answer.error().code, "vCenter does not answer: " + answer.error().detail +
                                        "; is it running? (`keytrail status`)"};
}

Result<void> VcenterSession::Impl::log_in() {
  session.wipe();
  is_from_before = false;
  const SecretBytes password = TRY(read_password(credentials.password_file));
  std::string arguments = user_and_password(credentials.user, password);
  Result<wire::CommandClient::Answer> answer = ask("login", arguments);
  wipe(arguments);
  if (!answer.ok()) return answer.error();
  if (!answer->ok) return outcome_of(*answer).error();
  session = TRY(take_token(answer->json));
  const json::object opened = TRY(parse_object(answer->json, kAnswer));
  if (kept.has_value()) {
    // From the log-in on, not from its last use: so no session is kept for longer than that.
    kept->keep(session, static_cast<TimeNs>(number_at(opened, "idle_seconds")) * kNsPerSecond);
  }
  return {};
}

VcenterSession::VcenterSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
VcenterSession::~VcenterSession() = default;

Result<std::unique_ptr<VcenterSession>> VcenterSession::open(const Globals& globals) {
  const Endpoints endpoints = TRY(read_endpoints(globals.data));
  TRY(check_not_held_down(globals.data, endpoints.vcenter.name, endpoints.vcenter.command));
  wire::CurveKeys keys = TRY(wire::read_curve_keys(endpoints.operator_identity.key_file));
  auto impl =
      std::make_unique<Impl>(endpoints, TRY(credentials_of(globals, endpoints)), std::move(keys));
  if (impl->kept.has_value()) {
    if (auto found = impl->kept->find()) {
      impl->session = std::move(*found);
      impl->is_from_before = true;
    }
  }
  if (!impl->is_from_before) TRY(impl->log_in());
  return std::unique_ptr<VcenterSession>(new VcenterSession(std::move(impl)));
}

Result<std::string> VcenterSession::call(const std::string& command, const std::string& arguments,
                                         const OnProgress& on_progress) {
  Result<wire::CommandClient::Answer> answer = impl_->ask(command, arguments, on_progress);
  // Nothing was done under a session that is over, so the command may be given again.
  if (answer.ok() && impl_->is_from_before && wants_a_login(*answer)) {
    TRY(impl_->log_in());
    answer = impl_->ask(command, arguments, on_progress);
  }
  return answer.ok() ? outcome_of(*answer) : Result<std::string>(answer.error());
}

Result<std::string> operator_call(const Endpoints& endpoints, const std::string& command_endpoint,
                                  const std::string& server_key, const std::string& command,
                                  const std::string& arguments, int timeout_ms) {
  const wire::CurveKeys keys = TRY(wire::read_curve_keys(endpoints.operator_identity.key_file));
  wire::Context context;
  wire::CommandClient client(context, command_endpoint, server_key, keys);
  const Result<wire::CommandClient::Answer> answer =
      client.call(message_of(command, arguments, {}), timeout_ms, {});
  if (!answer.ok()) return does_not_answer(command_endpoint, answer.error());
  return outcome_of(*answer);
}

Result<KeyServerAnswer> key_server_call(const Endpoints& endpoints, const std::string& command,
                                        const std::string& arguments,
                                        const KeyServerChoice& choice) {
  Error last{ErrorCode::kNotFound,
             choice.only.empty()
                 ? "this installation has no key servers of its own"
                 : "there is no key server '" + choice.only + "' in this installation"};
  for (const KmsEndpoint& replica : endpoints.kms) {
    if (!choice.only.empty() && replica.name != choice.only) continue;
    if (!may_listen(replica.command)) {  // The next one is not kept waiting for it.
      last = does_not_answer(replica.name, {ErrorCode::kUnavailable,
                                            "nobody listens at " + replica.command});
      continue;
    }
    Result<std::string> answer = operator_call(endpoints, replica.command, replica.server_key,
                                               command, arguments, choice.timeout_ms);
    if (answer.ok()) return KeyServerAnswer{replica.name, std::move(answer).value()};
    last = answer.error();
    if (last.code != ErrorCode::kUnavailable) return last;
  }
  if (choice.only.empty() && endpoints.kms.size() > 1) {
    last.detail = "no key server answers; the last one asked: " + last.detail;
  }
  return last;
}

}  // namespace keytrail::cli
