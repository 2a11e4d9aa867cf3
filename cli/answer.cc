#include "cli/answer.h"

#include <cstdio>

namespace keytrail::cli {

Exit show(const Globals& globals, const Result<std::string>& answer, const View& view) {
  if (!answer.ok()) return fail(answer.error());
  std::fputs((globals.json ? *answer + "\n" : format_json(*answer, view)).c_str(), stdout);
  return Exit::kDone;
}

}  // namespace keytrail::cli
