#!/bin/sh
# What the published text does by hand with the AWS CLI, in a loop over $1 hosts.
set -eu
aws() { /usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
prefix=2001:db8:47b:ca03::
ids=
for number in $(seq 1 "$1"); do
  block=$((8 + 4 * number))
  addresses="Ipv6Address=$prefix$(printf 1:%x "$number")"
  for i in 0 1 2 3; do addresses="$addresses Ipv6Address=$prefix$(printf %x $((block + i)))"; done
  # shellcheck disable=SC2086
  interface=$(aws ec2 create-network-interface --subnet-id "$SUBNET_ID" --groups "$SECURITY_GROUP_ID" \
    --description "host-$number" --ipv6-addresses $addresses \
    --query NetworkInterface.NetworkInterfaceId --output text)
  ids="$ids $(aws ec2 run-instances --image-id "$IMAGE_ID" --instance-type r5d.large \
    --network-interfaces "DeviceIndex=0,NetworkInterfaceId=$interface" \
    --query 'Instances[0].InstanceId' --output text)"
done
# shellcheck disable=SC2086
aws ec2 wait instance-running --instance-ids $ids
# shellcheck disable=SC2086
aws ec2 describe-instances --instance-ids $ids --query 'Reservations[].Instances[].[InstanceId,State.Name]' --output text
