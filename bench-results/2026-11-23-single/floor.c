// floor FILE DISK SERVER_SPINS CLIENT_SPINS COUNT: the least that a durable ack can take. Over loopback a client sends 1,200 bytes; a server
// on another CPU writes 4 KiB in place (O_DIRECT), flushes with fdatasync and sends 60 bytes. Two threads that block in system calls.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#include <sched.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <arpa/inet.h>
static double now(){struct timespec t;clock_gettime(CLOCK_MONOTONIC,&t);return t.tv_sec*1e6+t.tv_nsec/1e3;}
static int port,disk,spinS,spinC,fd; static int ls;
static void pin(int c){cpu_set_t s;CPU_ZERO(&s);CPU_SET(c,&s);sched_setaffinity(0,sizeof s,&s);}
static void rd(int s,char*b,int n,int spin){int g=0;while(g<n){int r=recv(s,b+g,n-g,spin?MSG_DONTWAIT:0);if(r>0)g+=r;else if(r==0)exit(0);}}
static double wsum;
static void*server(void*a){pin(0);int s=accept(ls,0,0);int one=1;setsockopt(s,IPPROTO_TCP,TCP_NODELAY,&one,4);
 char*b;posix_memalign((void**)&b,4096,8192);memset(b,1,8192);long pos=0;
 for(;;){rd(s,b,1200,spinS);double t=now();if(disk){pwrite(fd,b,4096,pos);pos=(pos+4096)%(64<<20);fdatasync(fd);}wsum+=now()-t;send(s,b,60,0);}}
static int cmp(const void*a,const void*b){double x=*(double*)a,y=*(double*)b;return x<y?-1:x>y;}
int main(int c,char**v){disk=atoi(v[2]);spinS=atoi(v[3]);spinC=atoi(v[4]);int n=atoi(v[5]);
 fd=open(v[1],O_RDWR|O_CREAT|O_DIRECT,0600);char*z;posix_memalign((void**)&z,4096,1<<20);memset(z,0,1<<20);for(int i=0;i<64;i++)pwrite(fd,z,1<<20,(long)i<<20);fsync(fd);
 ls=socket(AF_INET,SOCK_STREAM,0);struct sockaddr_in a={AF_INET,0,{htonl(0x7f000001)}};socklen_t l=sizeof a;bind(ls,(void*)&a,l);listen(ls,1);getsockname(ls,(void*)&a,&l);
 pthread_t t;pthread_create(&t,0,server,0);pin(1);int s=socket(AF_INET,SOCK_STREAM,0);connect(s,(void*)&a,l);int one=1;setsockopt(s,IPPROTO_TCP,TCP_NODELAY,&one,4);
 double*d=malloc(n*sizeof*d);char b[2048];memset(b,2,2048);double dsum=0;
 for(int i=0;i<n;i++){double t=now();send(s,b,1200,0);rd(s,b,60,spinC);d[i]=now()-t;if(i%16==15&&0)usleep(1000);}
 qsort(d,n,sizeof*d,cmp);printf("disk=%d spinS=%d spinC=%d p50 %.0f us p99 %.0f us; disk mean %.0f us\n",disk,spinS,spinC,d[n/2],d[n*99/100],wsum/n);unlink(v[1]);return 0;}
