// `subscribers …`: identities for third parties on the bus, granted by the event store as facts.
#include <boost/json.hpp>

#include "bus/secret/file.h"
#include "bus/wire/curve.h"
#include "cli/answer.h"
#include "cli/log_commands.h"
#include "cli/up/control.h"
#include "cli/vcenter_session.h"

namespace keytrail::cli {
namespace {

namespace json = boost::json;

Result<std::string> ask(const Endpoints& endpoints, const std::string& command,
                        const json::object& arguments) {
  TRY(check_not_held_down(endpoints.data, "eventstore", endpoints.log.command));
  return operator_call(endpoints, endpoints.log.command, endpoints.log.server_key, command,
                       json::serialize(arguments));
}

Result<std::string> add(const Globals& globals, const std::string& name,
                        const std::vector<std::string>& topics, const std::string& wanted_file) {
  const Endpoints endpoints = TRY(read_endpoints(globals.data));
  std::string file_name = name;
  for (char& c : file_name) c = c == '/' ? '-' : c;
  const std::string key_file =
      wanted_file.empty() ? endpoints.data + "/client/" + file_name + ".key" : wanted_file;
  OsFileSystem files;
  if (files.open(key_file, FileSystem::Open::kRead).ok()) {
    return Error{ErrorCode::kRefused,
                 key_file +
                     " is there already, and may be the only copy of a key in use; remove it, "
                     "or choose another with --key-file"};
  }
  OsRandom random;
  const wire::CurveKeys keys = wire::make_curve_keys(random);
  // Secret first, then fact: a grant without its key would be of no use.
  const std::string beside = key_file + ".granted";
  TRY(wire::write_curve_keys(beside, keys));
  const json::object arguments{{"name", name},
                               {"key", keys.public_key},
                               {"topics", json::array(topics.begin(), topics.end())}};
  const Result<std::string> granted = ask(endpoints, "subscribers add", arguments);
  if (!granted.ok()) {
    (void)files.unlink(beside).ok();
    return granted.error();
  }
  TRY(files.rename(beside, key_file));
  TRY(files.sync_folder(folder_of(key_file)));
  return json::serialize(json::object{{"name", name}, {"key_file", key_file}});
}

}  // namespace

Exit run_subscribers_add(const Globals& globals, const std::string& name,
                         const std::vector<std::string>& topics, const std::string& key_file) {
  return show(globals, add(globals, name, topics, key_file));
}

Exit run_subscribers_list(const Globals& globals) {
  const Result<Endpoints> endpoints = read_endpoints(globals.data);
  if (!endpoints.ok()) return fail(endpoints.error());
  return show(globals, ask(*endpoints, "subscribers list", {}),
              {"identities",
               {{"NAME", "name"},
                {"SOCKETS", "sockets"},
                {"TOPICS", "topics"},
                {"MAY APPEND", "prefixes"}}});
}

Exit run_subscribers_revoke(const Globals& globals, const std::string& name) {
  const Result<Endpoints> endpoints = read_endpoints(globals.data);
  if (!endpoints.ok()) return fail(endpoints.error());
  return show(globals, ask(*endpoints, "subscribers revoke", {{"name", name}}));
}

}  // namespace keytrail::cli
