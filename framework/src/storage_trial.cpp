#include "tyto/detail/storage_trial.hpp"

#include "tyto/detail/comparison.hpp"

namespace tyto::detail {

std::string changed_in_storage(std::string_view name, std::string_view stored, std::string_view read_back) {
  const std::string title{name};
  return title + " is another one when it is read back from a journal: what is expected was stored\n" +
         difference({{title, std::string{stored}}}, {{title, std::string{read_back}}}, never_equal);
}

std::string no_storage_for(std::string_view name, std::string_view why) {
  return std::string{name} + " is not read back from a journal as it was: " + std::string{why};
}

}  // namespace tyto::detail
