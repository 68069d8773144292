// Establishes one TCP connection on the loopback with itself.
#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

int main(void) {
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  struct sockaddr* any = (struct sockaddr*)&address;
  const int server = socket(AF_INET, SOCK_STREAM, 0);
  const int client = socket(AF_INET, SOCK_STREAM, 0);
  if (bind(server, any, size) != 0 || listen(server, 1) != 0 ||
      getsockname(server, any, &size) != 0 || connect(client, any, size) != 0 ||
      accept(server, NULL, NULL) < 0) {
    perror("connect_self");
    return 1;
  }
  return 0;
}
