#include "cli/kms_commands.h"

#include <boost/json.hpp>
#include <cstdio>

#include "cli/answer.h"
#include "cli/json_fields.h"
#include "cli/pem_input.h"
#include "cli/vcenter_session.h"
#include "cli/wait_until.h"
#include "kms/model/enrol_client.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

constexpr const char* kAnswer = "the key server's answer";

Result<std::string> ask(const Globals& globals, const std::string& only, const std::string& command,
                        const std::string& arguments) {
  const Endpoints endpoints = TRY(read_endpoints(globals.data));
  return TRY(key_server_call(endpoints, command, arguments, {.only = only})).json;
}

}  // namespace

Exit run_kms(const Globals& globals, const std::string& replica, const std::string& command,
             const std::string& arguments, const View& view) {
  return show(globals, ask(globals, replica, command, arguments), view);
}

Exit run_client_add(const Globals& globals, const std::string& client, const std::string& group,
                    const std::string& certificate_file) {
  for (const std::string& name : {client, group}) {
    if (name.empty() || kms::is_client_name(name)) continue;
    return fail({ErrorCode::kInvalid, "'" + name +
                                          "' is no name of a client or group: 1 to 48 letters, "
                                          "digits, '.', '_' and '-'"});
  }
  const Result<std::string> pem = read_pem(certificate_file);
  if (!pem.ok()) return fail(pem.error());
  json::object arguments{{"client", client}, {"certificate", *pem}};
  if (!group.empty()) arguments["group"] = group;
  return show(globals, ask(globals, "", "client.add", json::serialize(arguments)));
}

Exit run_sign_csr(const Globals& globals, const std::string& request_file) {
  const Result<std::string> pem = read_pem(request_file);
  if (!pem.ok()) return fail(pem.error());
  const Result<std::string> answer =
      ask(globals, "", "sign-csr", json::serialize(json::object{{"request", *pem}}));
  if (!answer.ok() || globals.json) return show(globals, answer);
  const Result<json::object> result = parse_object(*answer, kAnswer);
  if (!result.ok()) return fail(result.error());
  std::fputs(text_at(*result, "certificate").c_str(), stdout);
  return Exit::kDone;
}

Exit run_shredded(const Globals& globals, const std::string& key,
                  std::optional<std::chrono::seconds> within) {
  const std::string arguments = json::serialize(json::object{{"key", key}});
  Result<std::string> answer = std::string();
  bool is_shredded = false;
  const auto ask_again = [&] {
    answer = ask(globals, "", "shredded", arguments);
    const Result<json::object> result =
        answer.ok() ? parse_object(*answer, kAnswer) : Result<json::object>(answer.error());
    is_shredded = result.ok() && flag_at(*result, "shredded");
    return !result.ok() || is_shredded;
  };
  (void)wait_until(within.value_or(std::chrono::seconds(0)), ask_again);
  const Exit shown =
      show(globals, answer,
           {"replicas", {{"REPLICA", "replica"}, {"SHREDDED", "shredded"}, {"DETAIL", "detail"}}});
  if (shown != Exit::kDone || is_shredded) return shown;
  return fail({ErrorCode::kRefused, "key " + key + " can still be derived by the replicas that say "
                                                   "no; a replica that is away forgets it once it "
                                                   "runs again"});
}

}  // namespace keytrail::cli
