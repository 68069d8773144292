// send_udp ADDRESS PORT N: sends N small datagrams.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  struct sockaddr_in to = {.sin_family = AF_INET,
                           .sin_port = htons(atoi(argv[2]))};
  inet_pton(AF_INET, argv[1], &to.sin_addr);
  const int socket_fd = socket(AF_INET, SOCK_DGRAM, 0);
  for (int i = 0; i < atoi(argv[3]); ++i) {
    if (sendto(socket_fd, "hello", 5, 0, (struct sockaddr*)&to, sizeof to) !=
        5) {
      perror("send_udp");
      return 1;
    }
  }
  return 0;
}
