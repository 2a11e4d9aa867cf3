#include "cli/kms_commands.h"

#include <boost/json.hpp>
#include <chrono>
#include <cstdio>
#include <thread>

#include "bus/secret/file.h"
#include "cli/vcenter_session.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

constexpr std::size_t kPemBytesMax = 64 * 1024;
constexpr auto kPollEvery = std::chrono::milliseconds(200);

// The first replica that answers; what a replica refuses, another would refuse too.
Result<std::string> ask(const Globals& globals, const std::string& only, const std::string& command,
                        const std::string& arguments) {
  const Endpoints endpoints = TRY(read_endpoints(globals.data));
  Error last{ErrorCode::kNotFound, "there is no key server '" + only + "' in this installation"};
  for (const KmsEndpoint& replica : endpoints.kms) {
    if (!only.empty() && replica.name != only) continue;
    Result<std::string> answer =
        operator_call(endpoints, replica.command, replica.server_key, command, arguments);
    if (answer.ok() || answer.error().code != ErrorCode::kUnavailable) return answer;
    last = answer.error();
  }
  return last;
}

Result<std::string> read_pem(const std::string& path) {
  OsFileSystem files;
  return std::string(as_text(TRY(read_file(files, path, kPemBytesMax))));
}

Result<json::object> parse(const std::string& text) {
  boost::system::error_code malformed;
  json::value value = json::parse(text, malformed);
  if (malformed || !value.is_object()) {
    return Error{ErrorCode::kCorrupt, "the key server's answer is not a JSON object"};
  }
  return std::move(value.as_object());
}

Exit show(const Globals& globals, const Result<std::string>& answer, const std::string& list,
          const std::vector<Column>& columns) {
  if (!answer.ok()) return fail(answer.error());
  const std::string text = globals.json ? *answer + "\n" : format_json(*answer, list, columns);
  std::fputs(text.c_str(), stdout);
  return Exit::kDone;
}

}  // namespace

Exit run_kms(const Globals& globals, const std::string& replica, const std::string& command,
             const std::string& arguments, const std::string& list,
             const std::vector<Column>& columns) {
  return show(globals, ask(globals, replica, command, arguments), list, columns);
}

Exit run_client_add(const Globals& globals, const std::string& client, const std::string& group,
                    const std::string& certificate_file) {
  const Result<std::string> pem = read_pem(certificate_file);
  if (!pem.ok()) return fail(pem.error());
  json::object arguments{{"client", client}, {"certificate", *pem}};
  if (!group.empty()) arguments["group"] = group;
  return show(globals, ask(globals, "", "client.add", json::serialize(arguments)), "", {});
}

Exit run_sign_csr(const Globals& globals, const std::string& request_file) {
  const Result<std::string> pem = read_pem(request_file);
  if (!pem.ok()) return fail(pem.error());
  const Result<std::string> answer =
      ask(globals, "", "sign-csr", json::serialize(json::object{{"request", *pem}}));
  if (!answer.ok() || globals.json) return show(globals, answer, "", {});
  const Result<json::object> result = parse(*answer);
  if (!result.ok()) return fail(result.error());
  std::fputs(result->at("certificate").as_string().c_str(), stdout);
  return Exit::kDone;
}

Exit run_shredded(const Globals& globals, const std::string& key, bool wait,
                  std::uint32_t timeout_s) {
  const std::string arguments = json::serialize(json::object{{"key", key}});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  for (;;) {
    const Result<std::string> answer = ask(globals, "", "shredded", arguments);
    if (!answer.ok()) return fail(answer.error());
    const Result<json::object> result = parse(*answer);
    if (!result.ok()) return fail(result.error());
    const json::value* shredded = result->if_contains("shredded");
    const bool done = shredded != nullptr && shredded->is_bool() && shredded->as_bool();
    const bool time_is_up = std::chrono::steady_clock::now() > deadline;
    if (done || !wait || time_is_up) {
      (void)show(globals, answer, "replicas",
                 {{"REPLICA", "replica"}, {"SHREDDED", "shredded"}, {"DETAIL", "detail"}});
      return done ? Exit::kDone : Exit::kFailed;
    }
    std::this_thread::sleep_for(kPollEvery);
  }
}

}  // namespace keytrail::cli
