// A program that shows itself in a browser, for a moment.
#include <tyto/serve.hpp>
#include <tyto/tyto.hpp>

int main() {
  tyto::runtime rt{tyto::open_memory()};
  rt.start().value();
  const auto page = tyto::serve(rt);
  return page && (*page)->port() != 0 && (*page)->url().starts_with("http://127.0.0.1:") ? 0 : 1;
}
