// `tyto serve`: the storage as a page in the browser.
#include <fmt/format.h>

#include <chrono>
#include <fstream>
#include <string>
#include <thread>
#include <tyto/serve.hpp>

#include "commands.hpp"
#include "output.hpp"

namespace tyto::tool {
namespace {

// The first line of the file: on a command line every user of the machine could read it.
result<std::string> read_token(const std::filesystem::path& file) {
  if (file.empty()) return std::string{};
  std::ifstream from{file};
  std::string token;
  if (std::getline(from, token) && !token.empty()) return token;
  return error{errc::invalid_argument, "reading the token in '" + file.string() + "'",
               "the file cannot be read, or its first line is empty; put the token there"};
}

}  // namespace

outcome serve_page(const setting& given, const serve_request& request) {
  auto token = read_token(request.token_file);
  if (!token) return std::move(token).error();
  serve_options options;
  options.address = request.address;
  options.port = request.port;
  options.may_act = request.may_act;
  options.token = *std::move(token);
  options.certificate = request.certificate;
  options.private_key = request.private_key;
  options.names = request.names;
  const auto page = serve_directory(given.directory, options);
  if (!page) return page.error();
  if (auto goes_on = check_interrupted(); !goes_on) return std::move(goes_on).error();  // from now on a signal is noted
  note(request.may_act ? "serving until Ctrl-C; the page may act" : "serving until Ctrl-C; the page only shows");
  auto said = print(fmt::format("{}\n", (*page)->url()));
  if (said) said = flush_output();
  if (!said) return std::move(said).error();
  while (check_interrupted()) std::this_thread::sleep_for(std::chrono::milliseconds{50});
  return done;
}

}  // namespace tyto::tool
