/* The names of numbers, as iproute2 and the kernel's sysctls spell them. */
#include "rtnl_table.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

const struct eni6_rtnl_word eni6_words_family[] = {
    {"inet6", AF_INET6}, {"inet", AF_INET}, {"any", AF_UNSPEC}, {"bridge", AF_BRIDGE}, {0}};

const struct eni6_rtnl_word eni6_words_scope[] = {
    {"global", RT_SCOPE_UNIVERSE}, {"site", RT_SCOPE_SITE},       {"link", RT_SCOPE_LINK},
    {"host", RT_SCOPE_HOST},       {"nowhere", RT_SCOPE_NOWHERE}, {0}};

const struct eni6_rtnl_word eni6_words_protocol[] = {
    {"unspec", RTPROT_UNSPEC}, {"redirect", RTPROT_REDIRECT},
    {"kernel", RTPROT_KERNEL}, {"boot", RTPROT_BOOT},
    {"static", RTPROT_STATIC}, {"ra", RTPROT_RA},
    {"zebra", RTPROT_ZEBRA},   {"bird", RTPROT_BIRD},
    {"dhcp", RTPROT_DHCP},     {"keepalived", RTPROT_KEEPALIVED},
    {"babel", RTPROT_BABEL},   {"bgp", RTPROT_BGP},
    {"isis", RTPROT_ISIS},     {"ospf", RTPROT_OSPF},
    {"rip", RTPROT_RIP},       {0}};

const struct eni6_rtnl_word eni6_words_address_protocol[] = {
    {"unspec", 0}, {"kernel_lo", 1}, {"kernel_ra", 2}, {"kernel_ll", 3}, {0}};

const struct eni6_rtnl_word eni6_words_table[] = {
    {"main", RT_TABLE_MAIN}, {"local", RT_TABLE_LOCAL}, {"default", RT_TABLE_DEFAULT}, {0}};

const struct eni6_rtnl_word eni6_words_route_type[] = {{"unicast", RTN_UNICAST},
                                                       {"local", RTN_LOCAL},
                                                       {"broadcast", RTN_BROADCAST},
                                                       {"anycast", RTN_ANYCAST},
                                                       {"multicast", RTN_MULTICAST},
                                                       {"blackhole", RTN_BLACKHOLE},
                                                       {"unreachable", RTN_UNREACHABLE},
                                                       {"prohibit", RTN_PROHIBIT},
                                                       {"throw", RTN_THROW},
                                                       {0}};

/* RFC 4191's preference of a default router, in its own encoding. */
const struct eni6_rtnl_word eni6_words_pref[] = {{"medium", 0}, {"high", 1}, {"low", 3}, {0}};

const struct eni6_rtnl_word eni6_words_neighbour_state[] = {
    {"none", NUD_NONE},           {"incomplete", NUD_INCOMPLETE},
    {"reachable", NUD_REACHABLE}, {"stale", NUD_STALE},
    {"delay", NUD_DELAY},         {"probe", NUD_PROBE},
    {"failed", NUD_FAILED},       {"noarp", NUD_NOARP},
    {"permanent", NUD_PERMANENT}, {0}};

const struct eni6_rtnl_word eni6_words_action[] = {{"lookup", FR_ACT_TO_TBL},
                                                   {"goto", FR_ACT_GOTO},
                                                   {"nop", FR_ACT_NOP},
                                                   {"blackhole", FR_ACT_BLACKHOLE},
                                                   {"unreachable", FR_ACT_UNREACHABLE},
                                                   {"prohibit", FR_ACT_PROHIBIT},
                                                   {0}};

/* RFC 2863's states; linux/if.h cannot be included beside net/if.h. */
const struct eni6_rtnl_word eni6_words_operstate[] = {
    {"unknown", 0}, {"notpresent", 1}, {"down", 2}, {"lowerlayerdown", 3},
    {"testing", 4}, {"dormant", 5},    {"up", 6},   {0}};

const struct eni6_rtnl_word eni6_words_link_type[] = {
    {"ether", ARPHRD_ETHER},     {"loopback", ARPHRD_LOOPBACK}, {"none", ARPHRD_NONE},
    {"tunnel6", ARPHRD_TUNNEL6}, {"sit", ARPHRD_SIT},           {0}};

const struct eni6_rtnl_word eni6_words_addr_gen_mode[] = {
    {"eui64", IN6_ADDR_GEN_MODE_EUI64},
    {"none", IN6_ADDR_GEN_MODE_NONE},
    {"stable_secret", IN6_ADDR_GEN_MODE_STABLE_PRIVACY},
    {"random", IN6_ADDR_GEN_MODE_RANDOM},
    {0}};

const struct eni6_rtnl_word eni6_words_macvlan_mode[] = {
    {"private", MACVLAN_MODE_PRIVATE}, {"vepa", MACVLAN_MODE_VEPA},
    {"bridge", MACVLAN_MODE_BRIDGE},   {"passthru", MACVLAN_MODE_PASSTHRU},
    {"source", MACVLAN_MODE_SOURCE},   {0}};

const struct eni6_rtnl_word eni6_words_ipvlan_mode[] = {
    {"l2", IPVLAN_MODE_L2}, {"l3", IPVLAN_MODE_L3}, {"l3s", IPVLAN_MODE_L3S}, {0}};

const struct eni6_rtnl_word eni6_words_vlan_protocol[] = {
    {"802.1Q", ETH_P_8021Q}, {"802.1ad", ETH_P_8021AD}, {0}};

const char *const eni6_rtnl_settings[ENI6_RTNL_SETTINGS] = {
    [DEVCONF_FORWARDING] = "forwarding",
    [DEVCONF_HOPLIMIT] = "hop_limit",
    [DEVCONF_MTU6] = "mtu",
    [DEVCONF_ACCEPT_RA] = "accept_ra",
    [DEVCONF_ACCEPT_REDIRECTS] = "accept_redirects",
    [DEVCONF_AUTOCONF] = "autoconf",
    [DEVCONF_DAD_TRANSMITS] = "dad_transmits",
    [DEVCONF_RTR_SOLICITS] = "router_solicitations",
    [DEVCONF_USE_TEMPADDR] = "use_tempaddr",
    [DEVCONF_TEMP_VALID_LFT] = "temp_valid_lft",
    [DEVCONF_TEMP_PREFERED_LFT] = "temp_prefered_lft",
    [DEVCONF_REGEN_MAX_RETRY] = "regen_max_retry",
    [DEVCONF_MAX_DESYNC_FACTOR] = "max_desync_factor",
    [DEVCONF_MAX_ADDRESSES] = "max_addresses",
    [DEVCONF_FORCE_MLD_VERSION] = "force_mld_version",
    [DEVCONF_ACCEPT_RA_DEFRTR] = "accept_ra_defrtr",
    [DEVCONF_ACCEPT_RA_PINFO] = "accept_ra_pinfo",
    [DEVCONF_ACCEPT_RA_RTR_PREF] = "accept_ra_rtr_pref",
    [DEVCONF_ACCEPT_RA_RT_INFO_MAX_PLEN] = "accept_ra_rt_info_max_plen",
    [DEVCONF_PROXY_NDP] = "proxy_ndp",
    [DEVCONF_OPTIMISTIC_DAD] = "optimistic_dad",
    [DEVCONF_ACCEPT_SOURCE_ROUTE] = "accept_source_route",
    [DEVCONF_MC_FORWARDING] = "mc_forwarding",
    [DEVCONF_DISABLE_IPV6] = "disable_ipv6",
    [DEVCONF_ACCEPT_DAD] = "accept_dad",
    [DEVCONF_FORCE_TLLAO] = "force_tllao",
    [DEVCONF_NDISC_NOTIFY] = "ndisc_notify",
    [DEVCONF_SUPPRESS_FRAG_NDISC] = "suppress_frag_ndisc",
    [DEVCONF_ACCEPT_RA_FROM_LOCAL] = "accept_ra_from_local",
    [DEVCONF_USE_OPTIMISTIC] = "use_optimistic",
    [DEVCONF_ACCEPT_RA_MTU] = "accept_ra_mtu",
    [DEVCONF_USE_OIF_ADDRS_ONLY] = "use_oif_addrs_only",
    [DEVCONF_ACCEPT_RA_MIN_HOP_LIMIT] = "accept_ra_min_hop_limit",
    [DEVCONF_IGNORE_ROUTES_WITH_LINKDOWN] = "ignore_routes_with_linkdown",
    [DEVCONF_DROP_UNICAST_IN_L2_MULTICAST] = "drop_unicast_in_l2_multicast",
    [DEVCONF_DROP_UNSOLICITED_NA] = "drop_unsolicited_na",
    [DEVCONF_KEEP_ADDR_ON_DOWN] = "keep_addr_on_down",
    [DEVCONF_ENHANCED_DAD] = "enhanced_dad",
    [DEVCONF_ADDR_GEN_MODE] = "addr_gen_mode",
    [DEVCONF_DISABLE_POLICY] = "disable_policy",
    [DEVCONF_ACCEPT_RA_RT_INFO_MIN_PLEN] = "accept_ra_rt_info_min_plen",
    [DEVCONF_NDISC_TCLASS] = "ndisc_tclass",
    [DEVCONF_RA_DEFRTR_METRIC] = "ra_defrtr_metric",
    [DEVCONF_NDISC_EVICT_NOCARRIER] = "ndisc_evict_nocarrier",
    [DEVCONF_ACCEPT_UNTRACKED_NA] = "accept_untracked_na",
    [DEVCONF_ACCEPT_RA_MIN_LFT] = "accept_ra_min_lft",
};
