// The layers: who may include whom. DESIGN of the whole in one table.
//
// A folder is a library; its row names the folders that its files may include beside itself. `cli`
// wires everything together and `tests` check everything, so neither has a row; nothing includes
// them.
#pragma once

#include <string>
#include <vector>

#include "tests/architecture/source_tree.h"

namespace keytrail::architecture {

struct Layer {
  std::string folder;
  std::vector<std::string> may_include;
};
[[nodiscard]] const std::vector<Layer>& layers();

// A library of others, by how its headers begin, and the folders whose .cc files may use it.
struct ThirdParty {
  std::string prefix;
  std::vector<std::string> folders;  // "cli" stands for cli and all below it
};
[[nodiscard]] const std::vector<ThirdParty>& third_parties();

// Each breach of the table as a sentence: "kms/model/a.cc:3 includes esxi/model/b.h: …". Empty: all
// is well.
[[nodiscard]] std::vector<std::string> breaches_of_layers(const SourceTree& tree);
// What a file reaches through everything it includes: siblings never meet, models stay pure.
[[nodiscard]] std::vector<std::string> breaches_of_reach(const SourceTree& tree);
// Libraries of others: never in our headers, and in .cc files only where the table says.
[[nodiscard]] std::vector<std::string> breaches_of_third_parties(const SourceTree& tree);

}  // namespace keytrail::architecture
