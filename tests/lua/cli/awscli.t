#!/bin/sh
# What takes the AWS CLI long to compare with: once, not on each build.
LUA_PATH='lua/?.lua;lua/?/init.lua;tests/?.lua;;' LUA_CPATH='build/release/lua5.4/?.so;;' \
  exec lua5.4 /usr/bin/busted --output=TAP tests/lua/cli/awscli/*.lua
