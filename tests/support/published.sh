# The commands of the published text, as they stand there, and a look at what they made. The AWS CLI, or what takes its
# place, is $AWS; the sandbox is at $AWS_ENDPOINT_URL.
aws() { $AWS --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }
subnetId=$SUBNET_ID
sgId=$SECURITY_GROUP_ID
P=2001:db8:47b:ca03

eni1=`aws ec2 create-network-interface \
  --subnet-id $subnetId \
  --description "My IPv6 ENI 1" \
  --groups $sgId \
  --ipv6-addresses \
  Ipv6Address=$P::1:1 \
  Ipv6Address=$P::8 \
  Ipv6Address=$P::9 \
  Ipv6Address=$P::a \
  Ipv6Address=$P::b \
  --query 'NetworkInterface.NetworkInterfaceId' \
  --output text`
echo $eni1

eni2=`aws ec2 create-network-interface \
  --subnet-id $subnetId \
  --description "My IPv6 ENI 2" \
  --groups $sgId \
  --ipv6-addresses \
  Ipv6Address=$P::2:2 \
  Ipv6Address=$P::c \
  Ipv6Address=$P::d \
  Ipv6Address=$P::e \
  Ipv6Address=$P::f \
  --query 'NetworkInterface.NetworkInterfaceId' \
  --output text`
echo $eni2

aws ec2 import-key-pair \
  --key-name me \
  --public-key-material file://~/.ssh/id_ed25519.pub
AWS_SSH_KEY=$(aws ec2 describe-key-pairs --query KeyPairs[0].KeyName --output text)
echo $AWS_SSH_KEY

vm1=`aws ec2 run-instances \
  --key-name $AWS_SSH_KEY \
  --image-id ami-0ac019f4fcb7cb7e6 \
  --instance-type r5d.large \
  --network-interfaces DeviceIndex=0,NetworkInterfaceId=$eni1 \
  --query 'Instances[0].InstanceId' \
  --output text`
echo $vm1

vm2=`aws ec2 run-instances \
  --key-name $AWS_SSH_KEY \
  --image-id ami-0ac019f4fcb7cb7e6 \
  --instance-type r5d.large \
  --network-interfaces DeviceIndex=0,NetworkInterfaceId=$eni2 \
  --query 'Instances[0].InstanceId' \
  --output text`
echo $vm2

ip1=`aws ec2 describe-instances \
  --filter Name=instance-id,Values=$vm1 \
  --output text \
  --query 'Reservations[].Instances[].NetworkInterfaces[].Ipv6Addresses[0].Ipv6Address'`
ip2=`aws ec2 describe-instances \
  --filter Name=instance-id,Values=$vm2 \
  --output text \
  --query 'Reservations[].Instances[].NetworkInterfaces[].Ipv6Addresses[0].Ipv6Address'`
echo $ip1 $ip2

aws ec2 wait instance-running --instance-ids $vm1 $vm2 && echo running
aws ec2 describe-instances --instance-ids $vm1
aws ec2 describe-network-interfaces --output table
aws ec2 delete-network-interface --network-interface-id $eni1
echo $?
aws ec2 terminate-instances --instance-ids $vm1 $vm2 --query 'TerminatingInstances[].CurrentState.Name' --output text
