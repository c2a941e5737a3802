/* The far end of tests/bench/calls.lua: answers every POST with the same DescribeKeyPairs answer,
 * as fast as it can. Prints its port; ends with standard input. */
#define _GNU_SOURCE /* strcasestr */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "listener.h"

enum { CONNECTIONS = 512, REQUEST = 65536 };

struct connection {
  char bytes[REQUEST];
  size_t used;
};

static char reply[4096];
static struct connection connections[CONNECTIONS];
static struct pollfd entries[CONNECTIONS]; /* standard input, the listener, then the clients */

static void make_reply(void) {
  char body[3072], *end = body;
  end += sprintf(end, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeKeyPairsResponse "
                      "xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/"
                      "\"><requestId>59dbff89-35bd-4eac-99ed-be587EXAMPLE"
                      "</requestId><keySet>");
  for (int i = 0; i < 5; i++)
    end += sprintf(
        end,
        "<item><keyPairId>key-0123456789abcdef%d</keyPairId><keyName>key-%d</keyName>"
        "<keyType>ed25519</keyType><keyFingerprint>1f:51:ae:28:bf:89:e9:d8:1f:25:5d:37:2d:7d:b8:ca"
        "</keyFingerprint></item>",
        i, i);
  end += sprintf(end, "</keySet></DescribeKeyPairsResponse>");
  sprintf(reply,
          "HTTP/1.1 200 OK\r\nContent-Type: text/xml;charset=UTF-8\r\nContent-Length: %d\r\n\r\n%s",
          (int)(end - body), body);
}

static void admit(int listener) {
  int fd = accept(listener, NULL, NULL), one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  for (int i = 2; i < CONNECTIONS; i++)
    if (entries[i].fd < 0) {
      entries[i] = (struct pollfd){.fd = fd, .events = POLLIN};
      connections[i].used = 0;
      return;
    }
  close(fd);
}

/* Whether head and body of a request are there. */
static int is_complete(struct connection *connection) {
  connection->bytes[connection->used] = 0;
  char *head_end = strstr(connection->bytes, "\r\n\r\n");
  char *length = strcasestr(connection->bytes, "\r\ncontent-length:");
  if (!head_end) return 0;
  size_t head = (size_t)(head_end + 4 - connection->bytes);
  return connection->used >= head + (length && length < head_end ? (size_t)atoi(length + 17) : 0);
}

static void serve(int index) {
  struct connection *connection = &connections[index];
  ssize_t size =
      read(entries[index].fd, connection->bytes + connection->used, REQUEST - 1 - connection->used);
  if (size > 0) {
    connection->used += (size_t)size;
    if (!is_complete(connection)) return;
    connection->used = 0;
    if (send(entries[index].fd, reply, strlen(reply), MSG_NOSIGNAL) > 0) return;
  }
  close(entries[index].fd);
  entries[index].fd = -1;
}

int main(void) {
  make_reply();
  for (int i = 0; i < CONNECTIONS; i++)
    entries[i].fd = -1;
  entries[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
  entries[1] = (struct pollfd){.fd = open_listener(CONNECTIONS), .events = POLLIN};
  while (poll(entries, CONNECTIONS, -1) >= 0 && !entries[0].revents) {
    if (entries[1].revents) admit(entries[1].fd);
    for (int i = 2; i < CONNECTIONS; i++)
      if (entries[i].fd >= 0 && entries[i].revents) serve(i);
  }
  return 0;
}
