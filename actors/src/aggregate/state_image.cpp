#include "aggregate/state_image.hpp"

namespace tyto::detail {

std::string make_image(const image_header& at, std::string_view state) {
  std::string image;
  encoder out{image};
  out.put_array(2);
  encode(out, at);
  image += state;
  return image;
}

result<parsed_image> parse_image(std::string_view image) {
  decoder in{image};
  std::size_t parts = 0;
  parsed_image parsed;
  if (!in.ok() || !in.get_array(parts) || parts != 2 || !decode(in, parsed.at)) {
    return error{errc::undecodable, "taking an image of an aggregate apart", in.what()};
  }
  parsed.state = {in.tell(), static_cast<std::size_t>(image.data() + image.size() - in.tell())};
  return parsed;
}

}  // namespace tyto::detail
