/* Ethernet, ARP (RFC 826), IPv4 (RFC 791) without options or fragments, ICMP echo (RFC 792) and UDP (RFC 768), enough to serve. What is
 * malformed, or not for us, is dropped. */
#include "kv.h"

#define OUR_ADDRESS 0x0a00020fu /* 10.0.2.15 */
#define GATEWAY 0x0a000202u     /* 10.0.2.2 */
#define NETMASK 0xffffff00u
#define KV_PORT 7000

/* Offsets in a frame. */
enum { ETH_TO = 0, ETH_FROM = 6, ETH_TYPE = 12 };
enum { ARP = 14, ARP_OPERATION = 20, ARP_FROM_MAC = 22, ARP_FROM = 28, ARP_TO_MAC = 32, ARP_TO = 38, ARP_END = 42 };
enum { IP = 14, IP_LENGTH = 16, IP_FRAGMENT = 20, IP_TTL = 22, IP_PROTOCOL = 23, IP_SUM = 24, IP_FROM = 26, IP_TO = 30, IP_END = 34 };
enum { ICMP_TYPE = 34, ICMP_SUM = 36, UDP_FROM = 34, UDP_TO = 36, UDP_LENGTH = 38, UDP_SUM = 40, UDP_END = 42 };
enum { TYPE_IP = 0x0800, TYPE_ARP = 0x0806, PROTOCOL_ICMP = 1, PROTOCOL_UDP = 17 };

static u8 out[FRAME_BYTES], our_mac[6];
static struct { u32 address; u8 mac[6]; } neighbours[8];
static u32 next_neighbour;

static u32 get16(const u8 *at) { return at[0] << 8 | at[1]; }
static u32 get32(const u8 *at) { return get16(at) << 16 | get16(at + 2); }
static void put16(u8 *at, u32 value) { at[0] = value >> 8, at[1] = value; }
static void put32(u8 *at, u32 value) { put16(at, value >> 16), put16(at + 2, value); }

/* The sum of 16-bit words that all these checksums share, folded; an odd last byte counts as the high one. */
static u32 sum(const u8 *at, u32 length, u32 total) {
  for (; length > 1; at += 2, length -= 2) total += get16(at);
  if (length) total += at[0] << 8;
  while (total >> 16) total = (total & 0xffff) + (total >> 16);
  return total;
}

static u32 pseudo_header(const u8 *frame, u32 length) { return sum(frame + IP_FROM, 8, PROTOCOL_UDP + length); }

static u32 next_hop(u32 address) { return (address & NETMASK) == (OUR_ADDRESS & NETMASK) ? address : GATEWAY; }

static u8 *neighbour(u32 address) {
  for (u32 i = 0; i < 8; i++)
    if (neighbours[i].address == address) return neighbours[i].mac;
  return NULL;
}

static void learn(u32 address, const u8 *mac) {
  u8 *known = neighbour(address);
  if (!known) {
    neighbours[next_neighbour].address = address;
    known = neighbours[next_neighbour].mac;
    next_neighbour = (next_neighbour + 1) % 8;
  }
  memcpy(known, mac, 6);
}

static void send_arp(u32 operation, const u8 *mac, u32 address) {
  memcpy(out + ETH_TO, operation == 1 ? (const u8 *)"\xff\xff\xff\xff\xff\xff" : mac, 6);
  memcpy(out + ETH_FROM, our_mac, 6);
  put16(out + ETH_TYPE, TYPE_ARP);
  memcpy(out + ARP, "\0\1\10\0\6\4", 6); /* Ethernet, IPv4, and their address lengths */
  put16(out + ARP_OPERATION, operation);
  memcpy(out + ARP_FROM_MAC, our_mac, 6);
  put32(out + ARP_FROM, OUR_ADDRESS);
  memcpy(out + ARP_TO_MAC, mac, 6);
  put32(out + ARP_TO, address);
  system_call(SYS_FRAME, ADDRESS(out), ARP_END);
}

static void arp(const u8 *frame, u32 length) {
  if (length < ARP_END || memcmp(frame + ARP, "\0\1\10\0\6\4", 6) != 0) return;
  u32 from = get32(frame + ARP_FROM);
  if (from && next_hop(from) == from) learn(from, frame + ARP_FROM_MAC);
  if (get16(frame + ARP_OPERATION) == 1 && get32(frame + ARP_TO) == OUR_ADDRESS) send_arp(2, frame + ARP_FROM_MAC, from);
}

/* Sends what is in `out` behind the headers, `payload` bytes of it, to `to`. A neighbour that is not known is asked for; its packet is lost. */
static void send_ip(u32 to, u32 protocol, u32 payload) {
  const u8 *mac = neighbour(next_hop(to));
  if (!mac) return send_arp(1, (const u8 *)"\0\0\0\0\0\0", next_hop(to));
  memcpy(out + ETH_TO, mac, 6);
  memcpy(out + ETH_FROM, our_mac, 6);
  put16(out + ETH_TYPE, TYPE_IP);
  memcpy(out + IP, "\x45\0\0\0\0\0\x40\0\x40\0\0\0", 12); /* version 4, 5 words, don't fragment, 64 hops */
  out[IP_PROTOCOL] = protocol;
  put16(out + IP_LENGTH, IP_END - IP + payload);
  put32(out + IP_FROM, OUR_ADDRESS);
  put32(out + IP_TO, to);
  put16(out + IP_SUM, ~sum(out + IP, IP_END - IP, 0));
  if (protocol == PROTOCOL_UDP) {
    u32 check = ~sum(out + IP_END, payload, pseudo_header(out, payload)) & 0xffff;
    put16(out + UDP_SUM, check ? check : 0xffff);
  }
  system_call(SYS_FRAME, ADDRESS(out), IP_END + payload);
}

static void icmp(const u8 *frame, u32 from, u32 payload) {
  if (payload < 8 || get16(frame + ICMP_TYPE) != 0x0800 || sum(frame + IP_END, payload, 0) != 0xffff) return;
  memcpy(out + IP_END, frame + IP_END, payload);
  put16(out + ICMP_TYPE, 0);
  put16(out + ICMP_SUM, 0);
  put16(out + ICMP_SUM, ~sum(out + IP_END, payload, 0));
  send_ip(from, PROTOCOL_ICMP, payload);
}

static void udp(const u8 *frame, u32 from, u32 payload) {
  if (payload < 8 || get16(frame + UDP_TO) != KV_PORT) return;
  u32 length = get16(frame + UDP_LENGTH);
  if (length < 8 || length > payload) return;
  if (get16(frame + UDP_SUM) && sum(frame + IP_END, length, pseudo_header(frame, length)) != 0xffff) return;
  u32 reply = udp_answer((const char *)frame + UDP_END, length - 8, (char *)out + UDP_END, 256);
  put16(out + UDP_FROM, KV_PORT);
  put16(out + UDP_TO, get16(frame + UDP_FROM));
  put16(out + UDP_LENGTH, 8 + reply);
  put16(out + UDP_SUM, 0);
  send_ip(from, PROTOCOL_UDP, 8 + reply);
}

static void ip(const u8 *frame, u32 length) {
  if (length < IP_END || frame[IP] != 0x45 || sum(frame + IP, IP_END - IP, 0) != 0xffff) return;
  u32 total = get16(frame + IP_LENGTH), from = get32(frame + IP_FROM);
  if (total < IP_END - IP || total > length - IP || get16(frame + IP_FRAGMENT) & 0x3fff) return;
  if (get32(frame + IP_TO) != OUR_ADDRESS || from == OUR_ADDRESS) return;
  learn(next_hop(from), frame + ETH_FROM);
  if (frame[IP_PROTOCOL] == PROTOCOL_ICMP) icmp(frame, from, total - (IP_END - IP));
  if (frame[IP_PROTOCOL] == PROTOCOL_UDP) udp(frame, from, total - (IP_END - IP));
}

void ip_start(void) {
  struct system_info system;
  system_info(&system);
  if (!system.has_net) return;
  memcpy(our_mac, system.mac, 6);
  send_arp(1, (const u8 *)"\0\0\0\0\0\0", GATEWAY); /* so that whoever is out there knows us, too */
}

void ip_frame(u8 *frame, u32 length) {
  if (length < IP || (memcmp(frame + ETH_TO, our_mac, 6) != 0 && !(frame[ETH_TO] & 1))) return;
  if (get16(frame + ETH_TYPE) == TYPE_ARP) arp(frame, length);
  if (get16(frame + ETH_TYPE) == TYPE_IP) ip(frame, length);
}
